internal import GRDBSQLite
internal import Primitives

/// Looks at a database that is not a store's own yet.
public struct DatabaseInspection {
    /// The fingerprints of the keys that open its store: two where a rekey was under way; none where none was recorded.
    public let keyFingerprints: [[UInt8]]

    /// Checks a database as a whole.
    ///
    /// - Throws: `damaged` for what is no sound SQLite database, or none of a store.
    public init(path: String) throws {
        do {
            let connection = try Connection(path: path)
            func statement(_ sql: String) throws -> Statement { try Statement(sql, on: connection.handle) }
            let finding = try statement("PRAGMA integrity_check(1)").first { [UInt8]($0.bytes(0)) } ?? []
            guard finding == Array("ok".utf8) else {
                throw OsnovaError.damaged("\(path) is damaged: \(String(decoding: finding, as: UTF8.self))")
            }
            let tables = "SELECT count(*) FROM sqlite_schema WHERE name IN ('components', 'blobs', 'nodes', 'store')"
            guard try statement(tables).first({ $0.integer(0) }) == 4 else {
                throw OsnovaError.damaged("\(path) is no database of a mounted store")
            }
            var found: [[UInt8]] = []
            let hasRekey = "SELECT count(*) FROM sqlite_schema WHERE name = 'rekey'"
            var sources = ["SELECT value FROM store WHERE key = 'key_fingerprint'"]
            if try statement(hasRekey).first({ $0.integer(0) }) == 1 { sources.append("SELECT fingerprint FROM rekey") }
            for source in sources {
                try statement(source).forEach { row in
                    found.append([UInt8](row.bytes(0)))
                    return true
                }
            }
            keyFingerprints = found
        } catch let error as OsnovaError where !error.message.contains(path) {
            // A file that ends too early may show as a failing read.
            throw OsnovaError.damaged("\(path) is damaged: \(error.message)")
        }
    }
}
