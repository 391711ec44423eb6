internal import Foundation
internal import Glibc
internal import OsnovaStorage

/// An open store with keys of its own, in a folder of its own.
struct ScratchStore {
    let folder: URL
    let root: DataRoot
    let keys: KeyHierarchy
    let store: Store

    /// Makes one for `body`; nothing of it is left.
    static func use(_ name: String, _ body: (ScratchStore) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("osnovafs-\(name)-\(getpid())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let root = DataRoot(path: folder.appendingPathComponent("root").path)
        let keys = try KeyHierarchy(phrase: RecoveryPhrase.generate(words: 12))
        try Store.create(at: root, keys: keys)
        let store = try Store.open(at: root, keys: keys)
        try body(ScratchStore(folder: folder, root: root, keys: keys, store: store))
        try store.close()
    }
}
