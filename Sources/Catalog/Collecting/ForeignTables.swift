internal import Foundation
internal import GRDB
internal import Primitives

/// Tables that this program does not know, as a newer shell or another program may have added them.
///
/// What they mean nobody can tell here. Any value in them that is a SHA-256 counts as a reference, so that nothing is
/// removed that somebody else may need.
enum ForeignTables {
    /// Tables whose references to blobs are in `BlobReferences.sources`, or that have none.
    private static let known: Set<String> = [
        "components", "applications", "component_registry", "keys_metadata", "wallet_transactions", "autonomi_cache",
        "user_preferences", "schema_version", "store", "blobs", "blob_tags", "nodes", "dirty_rows", "waiting_rows",
        "node_changes", "messages", "snapshots", "frozen_documents", "registry_processes", "manifest_fields",
        "search_documents", "message_changes", "change_counters", "further_keys_metadata",
        "rekey", "blob_generations", "carried_keys", "pinned_cache",
    ]

    /// The contents that unknown tables name: in hexadecimal digits or as 32 bytes.
    static func namedContents(in database: Database) throws -> Set<ContentID> {
        let tables = try String.fetchAll(
            database,
            sql: """
                SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
                    AND sql NOT LIKE 'CREATE VIRTUAL%'
                    AND name NOT GLOB 'package_search_*' AND name NOT GLOB 'message_search_*'
                """)
        var found: Set<ContentID> = []
        for table in tables where !known.contains(table) {
            let columns = try String.fetchAll(
                database, sql: "SELECT name FROM pragma_table_info(?)", arguments: [table])
            for column in columns { try collect(column, of: table, in: database, into: &found) }
        }
        return found
    }

    private static func collect(
        _ column: String, of table: String, in database: Database, into found: inout Set<ContentID>
    ) throws {
        let name = quoted(column)
        let rows = try Row.fetchCursor(
            database, sql: "SELECT \(name) AS value FROM \(quoted(table)) WHERE length(\(name)) IN (32, 64)")
        while let row = try rows.next() {
            guard let bytes = row.bytes("value") else { continue }
            let digits = String(decoding: bytes, as: UTF8.self).lowercased()
            if let id = ContentID(hex: digits) ?? ContentID(bytes: bytes) { found.insert(id) }
        }
    }

    private static func quoted(_ name: String) -> String {
        "\"" + name.replacing("\"", with: "\"\"") + "\""
    }
}
