internal import Foundation
internal import GRDB

/// What another program wrote and this one cannot use; no damage.
struct DatabaseNotes {
    let database: Database

    /// A line each.
    func all() throws -> [String] { try documents() + amounts() + keys() }

    private func documents() throws -> [String] {
        let columns = [
            ("components", "component_id", "manifest_json"), ("applications", "application_id", "manifest_json"),
            ("user_preferences", "key", "value"),
        ]
        return try columns.flatMap { table, key, column in
            let sql = "SELECT \(key) AS key FROM \(table) WHERE NOT json_valid(CAST(\(column) AS TEXT)) ORDER BY 1"
            return try Row.fetchAll(database, sql: sql).map {
                "\(column) of \($0.text("key") ?? "NULL") in \(table) is no JSON"
            }
        }
    }

    private func amounts() throws -> [String] {
        try ["amount", "gas_used", "gas_price_gwei"].flatMap { column in
            let sql = """
                SELECT tx_hash, CAST(\(column) AS BLOB) AS amount FROM wallet_transactions
                WHERE \(column) IS NOT NULL ORDER BY tx_hash
                """
            var notes: [String] = []
            let rows = try Row.fetchCursor(database, sql: sql)
            while let row = try rows.next() {
                let text = String(decoding: row.bytes("amount") ?? Data(), as: UTF8.self)
                guard Amount(text) == nil else { continue }
                let hash = row.text("tx_hash") ?? "NULL"
                notes.append("\(column) of \(hash) in wallet_transactions is no decimal number")
            }
            return notes
        }
    }

    /// Rows that no key finds: SQLite lets a TEXT PRIMARY KEY be NULL, and a text is cut at a NUL.
    private func keys() throws -> [String] {
        let columns = [
            ("components", "component_id"), ("applications", "application_id"), ("component_registry", "component_id"),
            ("keys_metadata", "component_id"), ("wallet_transactions", "tx_hash"),
            ("autonomi_cache", "autonomi_address"), ("user_preferences", "key"),
        ]
        return try columns.flatMap { try keys(of: $0, $1) }
    }

    private func keys(of table: String, _ key: String) throws -> [String] {
        let sql = """
            SELECT coalesce(sum(\(key) IS NULL), 0) AS missing,
                coalesce(sum(instr(CAST(\(key) AS BLOB), x'00') > 0), 0) AS cut FROM \(table)
            """
        let found = try Row.fetchOne(database, sql: sql)
        let (missing, cut) = (found?.integer("missing") ?? 0, found?.integer("cut") ?? 0)
        return (missing > 0 ? ["rows of \(table) without a \(key): \(missing)"] : [])
            + (cut > 0 ? ["rows of \(table) whose \(key) holds a NUL character: \(cut)"] : [])
    }
}
