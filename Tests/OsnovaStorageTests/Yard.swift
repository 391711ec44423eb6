import Catalog
import Foundation
import Keyring
import Primitives
import Sealing
import SystemPackage
import TestSupport
import Tree

@testable import OsnovaStorage

/// A data root of its own with an open store.
struct Yard {
    let folder: TemporaryFolder
    let store: Store

    init() throws {
        folder = try TemporaryFolder()
        let root = DataRoot(path: folder.path("root"))
        let keys = try Self.keys()
        try Store.create(at: root, keys: keys)
        store = try Store.open(at: root, keys: keys)
    }

    static func keys(seed: UInt64 = 1) throws -> KeyHierarchy {
        try KeyHierarchy(master: noise(32, seed: seed).withUnsafeBytes { try SecretBytes(copying: $0) })
    }

    static func sealingKeys(seed: UInt64 = 1) throws -> SealingKeys {
        let keys = try keys(seed: seed)
        return try SealingKeys(blobKey: keys.blobKey, tagKey: keys.tagKey)
    }

    // MARK: Files

    func file(_ name: String, _ content: Data) throws -> FilePath { FilePath(try folder.write(name, content)) }

    func sealedPath(_ id: ContentID) -> String { "\(store.root.blobs)/\(id).enc" }

    func sealedNames() throws -> [String] { try folder.names("root/blobs") }

    func sealed(_ id: ContentID) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: sealedPath(id))) }

    /// Puts a file of another program's into `blobs/`.
    @discardableResult
    func plant(_ content: Data, as id: ContentID? = nil, keySeed: UInt64 = 1) throws -> ContentID {
        let own = try digest(content)
        let sealed = try seal(content, keys: Self.sealingKeys(seed: keySeed))
        try sealed.write(to: URL(fileURLWithPath: sealedPath(id ?? own)))
        return id ?? own
    }

    /// Changes one byte of a sealed file.
    func flip(_ id: ContentID, at offset: Int = 20) throws {
        var bytes = try sealed(id)
        bytes[offset] ^= 1
        try bytes.write(to: URL(fileURLWithPath: sealedPath(id)))
    }

    // MARK: Store

    @discardableResult
    func put(_ contents: [Data], compressing: Bool? = nil) throws -> [PutResult] {
        let batch = try PutBatch(store: store, compressing: compressing)
        let results = Results()
        for (index, content) in contents.enumerated() {
            try batch.add(.file(file("put-\(index)", content)), recording: results.add)
        }
        for failure in try batch.commit() { throw failure }
        return results.all
    }

    func content(_ id: ContentID) throws -> Data {
        var content = Data()
        try store.forEachPiece(of: id) { content += $0 }
        return content
    }

    func foreign(_ sql: String) throws { try Self.sqlite(store.root.database, sql) }

    static func sqlite(_ path: String, _ sql: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/sqlite3")
        process.arguments = ["-cmd", ".timeout 5000", path, sql]
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        if process.terminationStatus != 0 { throw OsnovaError(.inputOutput, "sqlite3: \(sql)") }
    }

    func tree() throws -> StoreTree {
        try StoreTree(store: store, log: StoreLog.logger(for: store.root, label: "test"))
    }
}

/// What the recordings of a batch were told.
final class Results {
    private(set) var all: [PutResult] = []

    func add(_: Writing, _: Int64, _ result: PutResult) { all.append(result) }
}

func digest(_ content: Data) throws -> ContentID { try content.withUnsafeBytes { try SHA256.digest($0) } }

/// A sealed file as another program writes it.
func seal(_ content: Data, keys: SealingKeys) throws -> Data {
    let sealer = try BlobSealer(keys: keys)
    var output = [UInt8](repeating: 0, count: content.count)
    try content.withUnsafeBytes { input in
        try output.withUnsafeMutableBytes { try sealer.seal(input, into: $0) }
    }
    return try Data(sealer.header) + output + sealer.finish(id: digest(content)).trailer
}

/// The kind of the error that a call throws; nil where it throws none of the project's.
func kind(_ call: () throws -> Void) -> OsnovaError.Kind? {
    do { try call() } catch { return (error as? OsnovaError)?.kind ?? (error as? SourceFailure)?.reason.kind }
    return nil
}

extension FileTreeWorker {
    /// The attributes of a path from the root.
    func find(_ path: String) throws -> Attributes? {
        var found = try attributes(of: FixedNode.root.inode)
        for name in path.split(separator: "/") {
            guard let directory = found.flatMap({ Inode(number: $0.inode) }) else { return nil }
            found = try Array(name.utf8).withUnsafeBytes { try lookup($0, in: directory) }
        }
        return found
    }

    /// The content of a path, as far as its length says.
    func content(_ path: String) throws -> Data {
        guard let found = try find(path), let inode = Inode(number: found.inode) else {
            throw OsnovaError(.notFound, path)
        }
        var content = Data()
        while content.count < found.size {
            let piece = try read(inode, at: Int64(content.count), count: 1 << 17)
            if piece.isEmpty { break }
            content += piece
        }
        return content
    }
}
