internal import Blobs
internal import Catalog
internal import Primitives
internal import Sealing
internal import SystemPackage

/// Copies the sealed files that a backup lacks.
///
/// Used by one thread at a time.
final class BackupBlobs {
    private static let maximumCount = 256
    private static let maximumBytes: Int64 = 256 << 20

    private struct Pending {
        let id: ContentID
        let path: String
        let directory: BlobDirectory
        let incoming: IncomingBlob
        let sum: ContentID
    }

    private let source: BlobDirectory
    private let backup: String
    private let target: BlobDirectory
    private let onProgress: (Int) -> Void
    private var pending: [Pending] = []
    private var pendingBytes: Int64 = 0

    private(set) var checksums: ChecksumLists
    private(set) var paths: [String] = []
    private(set) var bytes: Int64 = 0
    private(set) var copiedBytes: Int64 = 0
    private(set) var untracked: [String] = []
    private(set) var missing: [String] = []
    private(set) var variants: [String: String] = [:]

    init(source: BlobDirectory, backup: String, onProgress: @escaping (Int) -> Void) throws {
        self.source = source
        self.backup = backup
        self.onProgress = onProgress
        target = try BlobDirectory(path: "\(backup)/\(BackupLayout.blobs)")
        try target.removeStaleTemporaries()
        for path in BackupLayout.otherSealings(in: backup) {
            try BlobDirectory(path: path).removeStaleTemporaries()
        }
        checksums = try ChecksumLists(in: backup)
    }

    /// Sees to it that the backup has the files of a database's blobs, and those that the database does not know.
    func copy(_ known: [CatalogSnapshot.Blob]) throws {
        for blob in known {
            if try !copy(blob.id) { missing.append(blob.id.hex) }
        }
        let ids = Set(known.map(\.id))
        var others: [ContentID] = []
        try source.scan { entry in
            if case .blob(let id) = entry, !ids.contains(id) { others.append(id) }
            return true
        }
        for id in others where try copy(id) { untracked.append(id.hex) }
        try commit()
    }

    /// False where the store has no file of a content.
    private func copy(_ id: ContentID) throws -> Bool {
        let file: OwnedDescriptor
        do {
            file = try source.open(id)
        } catch let error as OsnovaError where error.kind == .notFound || error.kind == .damaged {
            return false
        }
        let identity = try SealingIdentity(of: file, path: source.path)
        let (directory, path) = try place(of: id, identity)
        if path != Self.path(of: id) { variants[id.hex] = path }
        paths.append(path)
        bytes += identity.size
        guard try directory.status(of: id) != nil else {
            try copy(file, id, to: directory, path)
            return true
        }
        // Whole, since it has its name; a run that was killed may not have noted its checksum.
        if checksums.sums[path] == nil { checksums.add(path, try BackupFiles.sum("\(backup)/\(path)").sum) }
        return true
    }

    /// Where a sealing belongs: a copy that is there is never overwritten, since nobody can tell here which is sound.
    private func place(of id: ContentID, _ identity: SealingIdentity) throws -> (BlobDirectory, String) {
        guard try target.status(of: id) != nil,
            try SealingIdentity(of: target.open(id), path: target.path) != identity
        else { return (target, Self.path(of: id)) }
        let folder = "\(BackupLayout.otherSealings)/\(identity.name)"
        try BackupFiles.makeDirectory("\(backup)/\(folder)")
        return (try BlobDirectory(path: "\(backup)/\(folder)"), "\(folder)/\(id.hex).enc")
    }

    private func copy(_ file: OwnedDescriptor, _ id: ContentID, to directory: BlobDirectory, _ path: String) throws {
        let digest = try SHA256()
        let incoming = try directory.begin()
        try BackupFiles.forEachPiece(of: file, "\(source.path)/\(id.hex).enc") { piece in
            digest.update(piece)
            try incoming.write(piece)
            pendingBytes += Int64(piece.count)
            copiedBytes += Int64(piece.count)
            onProgress(piece.count)
        }
        pending.append(
            Pending(id: id, path: path, directory: directory, incoming: incoming, sum: try digest.finish()))
        if pending.count >= Self.maximumCount || pendingBytes >= Self.maximumBytes { try commit() }
    }

    /// Files are durable before they get their names: one that has its name is whole.
    private func commit() throws {
        defer {
            pending = []
            pendingBytes = 0
        }
        guard !pending.isEmpty else { return }
        if pending.count == 1 { try pending[0].incoming.synchronize() } else { try target.synchronizeDisk() }
        for copy in pending {
            if try copy.directory.commit(copy.incoming, as: copy.id) { checksums.add(copy.path, copy.sum) }
        }
        for directory in pending.map(\.directory) where directory !== target { try directory.synchronize() }
        try target.synchronize()
    }

    static func path(of id: ContentID) -> String { "\(BackupLayout.blobs)/\(id.hex).enc" }
}

/// What tells two sealed files of one name apart without reading them.
struct SealingIdentity: Equatable {
    let nonce: [UInt8]
    let size: Int64

    init(of file: OwnedDescriptor, path: String) throws {
        do {
            var bytes = [UInt8](repeating: 0, count: Int(SealedLayout.nonceSize))
            let count = try bytes.withUnsafeMutableBytes { try SystemCalls.read(file, into: $0, at: 0) }
            nonce = Array(bytes.prefix(count))
            size = try SystemCalls.status(of: file).size
        } catch let error as Errno {
            throw error.failure("reading a sealed file of \(path)", kind: .inputOutput)
        }
    }

    /// A directory's name for sealings like this.
    var name: String { "\(Hexadecimal.string(nonce))-\(size)" }
}
