internal import Foundation
internal import GRDB
public import Primitives

/// A copy of a database that nobody writes any more.
public enum CatalogSnapshot {
    /// A blob as the copy knows it.
    public struct Blob: Sendable {
        /// The SHA-256 of the plaintext.
        public let id: ContentID
        /// The nonce of its chunk tags; nil for a blob that was not verified yet.
        public let nonce: [UInt8]?
    }

    /// The blobs of a copy, by their SHA-256.
    ///
    /// - Throws: `damaged` for what is no such copy.
    public static func blobs(at path: String) throws -> [Blob] {
        try translatingErrors(path) {
            var configuration = Configuration()
            configuration.readonly = true
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            defer { try? queue.close() }
            return try queue.read { database in
                try Row.fetchAll(database, sql: "SELECT sha256, nonce FROM blobs ORDER BY sha256").compactMap { row in
                    guard let id = ContentID(hex: row.text("sha256") ?? "") else { return nil }
                    return Blob(id: id, nonce: row.bytes("nonce").map { Array($0) })
                }
            }
        }
    }
}

extension Catalog {
    /// Copies one consistent state into a new database file, while others read and write.
    ///
    /// The copy is one file: it has no WAL. It is not durable yet.
    public func copy(to path: String) throws {
        // Made here, its owner's alone: SQLite would ask the umask.
        guard
            FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
        else { throw OsnovaError(.cannotCreate, "\(path) cannot be made: check its permissions and its disk") }
        try translatingErrors(path) {
            let queue = try DatabaseQueue(path: path)
            try pool.backup(to: queue)
            CrashPoint.pass()
            try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = DELETE") }
            try queue.close()
        }
    }
}

extension Reading {
    /// The components that are said to run, with their processes.
    public func runningProcesses() throws -> [(component: String, processID: Int64)] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT component_id, pid FROM component_registry WHERE status IN ('starting', 'running', 'stopping')
                ORDER BY component_id
                """
        ).map { ($0.text("component_id") ?? "", $0.integer("pid") ?? 0) }
    }
}
