internal import GRDB

/// Where the database may refer to a blob: what none of these refers to is garbage.
///
/// A column that comes to refer to blobs gets its line here, and nothing else is to be done. A table that this schema
/// does not have is passed over.
enum BlobReferences {
    /// A column that names blobs.
    struct Source {
        /// The table.
        let table: String
        /// The column.
        let column: String
        let holds: Value
    }

    /// How a column names blobs.
    enum Value {
        /// By the SHA-256 in hexadecimal digits.
        case hash
        /// By the row.
        case row
        /// All of them up to this row.
        case newestRow
    }

    static let sources = [
        // Files, icons, artifacts, cached contents and whatever else is shown under a name.
        Source(table: "nodes", column: "blob", holds: .row),
        // Rows of any program, whether or not their names are made yet.
        Source(table: "applications", column: "icon_blob_hash", holds: .hash),
        Source(table: "autonomi_cache", column: "blob_hash", holds: .hash),
        Source(table: "messages", column: "attachment_hash", holds: .hash),
        // A snapshot shows every blob that was there when it was made.
        Source(table: "snapshots", column: "newest_blob", holds: .newestRow),
    ]

    /// SQL that is true where nothing refers to a blob.
    ///
    /// - Parameters:
    ///   - hash: SQL of the SHA-256 as a text.
    ///   - row: SQL of the row; nil for a content that has none.
    static func noneExists(toHash hash: String, row: String?, in database: Database) throws -> String {
        let conditions = try sources.compactMap { source -> String? in
            guard try exists(source.table, in: database) else { return nil }
            switch (source.holds, row) {
            // SQLite keeps a value as it came: a foreign program may have bound the digits as bytes.
            case (.hash, _): return none(source, "IN (\(hash), CAST(\(hash) AS BLOB))")
            case (.row, let row?): return none(source, "= \(row)")
            case (.newestRow, let row?): return none(source, ">= \(row)")
            case (_, nil): return nil
            }
        }
        return conditions.joined(separator: " AND ")
    }

    private static func none(_ source: Source, _ condition: String) -> String {
        "NOT EXISTS (SELECT 1 FROM \(source.table) WHERE \(source.column) \(condition))"
    }

    static func exists(_ table: String, in database: Database) throws -> Bool {
        try Row.fetchOne(
            database.cachedStatement(sql: "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"),
            arguments: [table]) != nil
    }
}
