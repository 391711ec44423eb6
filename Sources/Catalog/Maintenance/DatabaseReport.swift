internal import GRDB

/// What a check of the database found.
public struct DatabaseReport: Sendable {
    /// What is wrong; empty for a sound database.
    public let findings: [String]
    /// What another program wrote and this one cannot use, such as a manifest that is no JSON; no damage.
    public let notes: [String]
}

/// A table and what it takes.
public struct TableStatistics: Sendable {
    /// The table's name.
    public let name: String
    /// Its rows.
    public let rows: Int64
    /// Bytes of the file, indices included; nil where this SQLite cannot tell.
    public let bytes: Int64?
}

/// Figures of the database file.
public struct DatabaseStatistics: Sendable {
    /// Bytes of the file.
    public let bytes: Int64
    /// Bytes in it that a vacuum would give back.
    public let freeBytes: Int64
    /// The schema version.
    public let schemaVersion: Int64
    /// Whether free pages can be given back one by one.
    public let isIncremental: Bool
    /// What SQLite this program runs on.
    public let sqliteVersion: String
    /// The tables, by name.
    public let tables: [TableStatistics]
}

extension Catalog {
    /// Checks the database, its foreign keys and its full-text indexes; reads all of it.
    ///
    /// - Parameter repairing: whether to make the full-text indexes anew, from their tables, where one is not whole.
    /// - Throws: `damaged` where so much is broken that it cannot even be checked, `busy` while another program writes.
    public func check(repairing: Bool = false) throws -> DatabaseReport {
        try settle()
        if repairing, try !searchFindings().isEmpty { try write { try SearchIndex.rebuild($0.database) } }
        return DatabaseReport(
            findings: try integrityFindings() + searchFindings(),
            notes: try read { try DatabaseNotes(database: $0.database).all() })
    }

    private func searchFindings() throws -> [String] {
        try SearchIndex.all.compactMap { try $0.finding(in: self) }
    }

    /// Counts what the database holds; reads every table's keys.
    public func databaseStatistics() throws -> DatabaseStatistics {
        let pages = try maintain { try PageCounts($0) }
        return try read { reading in
            let database = reading.database
            let names = try String.fetchAll(
                database,
                sql: """
                    SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
                    AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name
                    """)
            let bytes = try? Self.bytesByTable(database)
            return DatabaseStatistics(
                bytes: pages.total &* pages.size, freeBytes: pages.free &* pages.size,
                schemaVersion: try Int64.fetchOne(
                    database, sql: "SELECT value FROM store WHERE key = 'schema_version'") ?? 0,
                isIncremental: pages.isIncremental,
                sqliteVersion: try String.fetchOne(database, sql: "SELECT sqlite_version()") ?? "",
                tables: try names.map { name in
                    let rows =
                        try Int64.fetchOne(
                            database, sql: "SELECT count(*) FROM \"\(name.replacing("\"", with: "\"\""))\"") ?? 0
                    return TableStatistics(name: name, rows: rows, bytes: bytes?[name])
                })
        }
    }

    /// Bytes of each table with its indices, by SQLite's `dbstat`.
    private static func bytesByTable(_ database: Database) throws -> [String: Int64] {
        let sql = """
            SELECT owner.tbl_name AS name, sum(space.pgsize) AS bytes FROM dbstat AS space
            JOIN sqlite_schema AS owner ON owner.name = space.name WHERE space.aggregate = 1 GROUP BY owner.tbl_name
            """
        var bytes: [String: Int64] = [:]
        for row in try Row.fetchAll(database, sql: sql) { bytes[row.text("name") ?? ""] = row.integer("bytes") }
        return bytes
    }
}
