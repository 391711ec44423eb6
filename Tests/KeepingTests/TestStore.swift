import Catalog
import Foundation
import GRDB
import Keyring
import OsnovaStorage
import Primitives
import SystemPackage
import TestSupport

/// A store in a temporary folder, open with its keys.
final class TestStore {
    let folder: TemporaryFolder
    let root: DataRoot
    let keys: KeyHierarchy
    let store: Store

    init() throws {
        folder = try TemporaryFolder()
        root = DataRoot(path: folder.path("root"))
        let words = Array(repeating: "abandon", count: 11).joined(separator: " ") + " about"
        let phrase = try Array(words.utf8).withUnsafeBytes { try RecoveryPhrase(parsing: $0) }
        keys = try KeyHierarchy(phrase: phrase)
        try Store.create(at: root, keys: keys)
        store = try Store.open(at: root, keys: keys)
    }

    /// Puts a content under a name in `/files`; without a name nothing refers to it afterwards.
    @discardableResult
    func put(_ content: Data, as name: String? = nil, compressing: Bool? = nil) throws -> ContentID {
        let path = try folder.write("source-\(UUID().uuidString)", content)
        let batch = try PutBatch(store: store, compressing: compressing)
        let id = try batch.add(.file(FilePath(path))) { writing, row, _ in
            if let name { try writing.saveFile(at: [Array(name.utf8)], blob: row) }
        }
        for failure in try batch.commit() { throw failure }
        return id
    }

    /// Caches a content and says when it was last used.
    @discardableResult
    func cache(_ content: Data, at address: String, lastUsed: Int64) throws -> ContentID {
        let path = try folder.write("source-\(UUID().uuidString)", content)
        _ = try Installer(store: store).cache(address, content: FilePath(path), dataType: "file")
        try sql("UPDATE autonomi_cache SET last_accessed = \(lastUsed) WHERE autonomi_address = '\(address)'")
        return try content.withUnsafeBytes { try SHA256.digest($0) }
    }

    /// What `cat` gives.
    func content(_ id: ContentID) throws -> Data {
        var data = Data()
        try store.forEachPiece(of: id) { data.append(contentsOf: $0) }
        return data
    }

    func hasFile(_ id: ContentID) -> Bool { FileManager.default.fileExists(atPath: file(id)) }

    func file(_ id: ContentID) -> String { "\(root.blobs)/\(id.hex).enc" }

    /// Makes a file look as if it had been written so many seconds ago.
    func age(_ id: ContentID, seconds: Double) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: Date().addingTimeInterval(-seconds)], ofItemAtPath: file(id))
        try sql("UPDATE blobs SET created_at = created_at - \(Int64(seconds)) * 1000000000 WHERE sha256 = '\(id.hex)'")
    }

    /// Runs SQL as a foreign program does.
    func sql(_ statement: String) throws {
        try Self.sql(statement, in: root)
    }

    /// Runs SQL over any data root.
    static func sql(_ statement: String, in root: DataRoot) throws {
        let queue = try DatabaseQueue(path: root.database)
        try queue.write { try $0.execute(sql: statement) }
        try queue.close()
    }
}
