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
        /// Whether it holds the blob's row; else its SHA-256 in hexadecimal digits.
        let isRow: Bool
    }

    static let sources = [
        // Files, icons, artifacts, cached contents and whatever else is shown under a name.
        Source(table: "nodes", column: "blob", isRow: true),
        // Rows of any program, whether or not their names are made yet.
        Source(table: "applications", column: "icon_blob_hash", isRow: false),
        Source(table: "autonomi_cache", column: "blob_hash", isRow: false),
        Source(table: "messages", column: "attachment_hash", isRow: false),
    ]

    /// SQL that is true where nothing refers to a blob.
    ///
    /// - Parameters:
    ///   - hash: SQL of the SHA-256 as a text.
    ///   - row: SQL of the row; nil for a content that has none.
    static func noneExists(toHash hash: String, row: String?, in database: Database) throws -> String {
        let present = try sources.filter { try exists($0.table, in: database) && (row != nil || !$0.isRow) }
        // A snapshot counts a link of every blob that it shows, without a row for each.
        let links = row.map { ["NOT EXISTS (SELECT 1 FROM blobs AS held WHERE held.id = \($0) AND held.links > 0)"] }
        let rows = present.map { source in
            // SQLite keeps a value as it came: a foreign program may have bound the digits as bytes.
            let values = source.isRow ? row ?? "NULL" : "\(hash), CAST(\(hash) AS BLOB)"
            return "NOT EXISTS (SELECT 1 FROM \(source.table) WHERE \(source.column) IN (\(values)))"
        }
        return ((links ?? []) + rows).joined(separator: " AND ")
    }

    static func exists(_ table: String, in database: Database) throws -> Bool {
        try Row.fetchOne(
            database.cachedStatement(sql: "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"),
            arguments: [table]) != nil
    }
}
