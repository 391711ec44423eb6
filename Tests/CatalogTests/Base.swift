import Foundation
import GRDB
import Primitives
import Synchronization
import TestSupport
import Tree

@testable import Catalog

/// A database of its own, and the sealed files that its blobs are said to have.
final class Base {
    /// Contents whose sealed file is there: size and age.
    final class Files: Sendable {
        let sizes = Mutex<[ContentID: Int64]>([:])

        func add(_ id: ContentID, size: Int64) { sizes.withLock { $0[id] = size } }
    }

    let folder: TemporaryFolder
    let files = Files()
    private(set) var catalog: Catalog

    var path: String { folder.path("osnova.db") }

    init() throws {
        folder = try TemporaryFolder()
        catalog = try Catalog(path: folder.path("osnova.db"), creating: true, probe: Self.probe(files))
    }

    private static func probe(_ files: Files) -> Catalog.BlobProbe {
        { id in files.sizes.withLock { $0[id] }.map { (BlobExtent(plain: $0), 1_600_000_000_000_000_000) } }
    }

    func reopen() throws {
        try catalog.close()
        catalog = try Catalog(path: path, probe: Self.probe(files))
    }

    /// Runs SQL as a program that knows nothing of this one.
    func foreign(_ sql: String, _ arguments: StatementArguments = StatementArguments()) throws {
        try Foreign.run(path, sql, arguments)
    }

    func integers(_ sql: String) throws -> [Int64] { try catalog.read { try Int64.fetchAll($0.database, sql: sql) } }

    func reader() throws -> CatalogReader { try CatalogReader(path: path) }

    func snapshot() throws -> Snapshot { try Snapshot(reader()) }
}

/// A plain connection: foreign keys and recursive triggers off, as SQLite has them by default.
enum Foreign {
    static func run(_ path: String, _ sql: String, _ arguments: StatementArguments = StatementArguments()) throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .timeout(10)
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        // Not GRDB's own transaction: a PRAGMA must come before it.
        try queue.writeWithoutTransaction { try $0.execute(sql: sql, arguments: arguments) }
        try queue.close()
    }

    static func rows(_ path: String, _ sql: String) throws -> [String] {
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        return try queue.read { try Row.fetchAll($0, sql: sql).map { "\($0)" } }
    }
}

/// The content id of a short text.
func id(_ text: String) throws -> ContentID {
    try Data(text.utf8).withUnsafeBytes { try SHA256.digest($0) }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// The kind of the error that a call throws; nil where it throws none of the project's.
func kind(_ call: () throws -> Void) -> OsnovaError.Kind? {
    do { try call() } catch { return (error as? OsnovaError)?.kind }
    return nil
}
