import Blobs
import Catalog
import Foundation
import Keyring
import OsnovaStorage
import Primitives
import TestSupport
import Testing

/// A store that gets another key, step by step.
extension TestStore {
    static func keys(_ seed: UInt64) throws -> KeyHierarchy {
        try KeyHierarchy(master: noise(32, seed: seed).withUnsafeBytes { try SecretBytes(copying: $0) })
    }

    func open(_ keys: KeyHierarchy) throws -> Store { try Store.open(at: root, keys: keys) }

    /// Begins a rekey and ends before any content is sealed anew.
    func begin(_ new: KeyHierarchy, holder: KeyHierarchy? = nil) throws {
        let holder = holder ?? keys
        try Rekey(store: open(holder), holder: holder).begin(new)
    }

    /// A whole rekey, or the rest of one.
    @discardableResult
    func rekey(_ new: KeyHierarchy, holder: KeyHierarchy? = nil) throws -> RekeyReport {
        let holder = holder ?? keys
        let rekey = try Rekey(store: open(holder), holder: holder)
        try rekey.begin(new)
        let report = try rekey.run()
        return report.isSound ? try rekey.finish { _ in } : report
    }

    /// What a key makes of a sealed file by RFC 8439 alone; nil where it does not open it.
    func plaintext(_ id: ContentID, under keys: KeyHierarchy) throws -> Data? {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file(id))))
        guard bytes.count >= 28 else { return nil }
        let cipher = try AuthenticatedCipher(
            .chacha20Poly1305, .open, key: keys.blobKey, nonce: Array(bytes.prefix(12)), associatedData: [])
        var plain = [UInt8](repeating: 0, count: bytes.count - 28)
        let size = plain.count
        try bytes.withUnsafeBytes { sealed in
            try plain.withUnsafeMutableBytes {
                try cipher.update(from: UnsafeRawBufferPointer(rebasing: sealed[12..<12 + size]), to: $0)
            }
        }
        return cipher.verify(tag: Array(bytes.suffix(16))) ? Data(plain) : nil
    }

    func content(_ id: ContentID, of store: Store) throws -> Data {
        var data = Data()
        try store.forEachPiece(of: id) { data.append(contentsOf: $0) }
        return data
    }

    /// Whether any file of the data root holds some bytes.
    func holds(_ bytes: [UInt8]) throws -> Bool {
        let files = try #require(FileManager.default.enumerator(atPath: root.path)).compactMap { $0 as? String }
        return files.contains { name in
            let content = FileManager.default.contents(atPath: "\(root.path)/\(name)")
            return content?.range(of: Data(bytes)) != nil
        }
    }
}

/// The kind of error that a call throws; nil where it throws none.
func kind(_ call: () throws -> Void) -> OsnovaError.Kind? {
    do { try call() } catch { return (error as? OsnovaError)?.kind }
    return nil
}
