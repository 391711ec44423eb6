internal import Blobs
internal import Catalog
internal import Primitives

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
        /// Nil for a link, which has its name already.
        let incoming: IncomingBlob?
        let sum: ContentID
    }

    /// Where a sealing belongs in the backup.
    private struct Place {
        let directory: BlobDirectory
        let path: String
        let isThere: Bool
    }

    private let source: BlobDirectory
    private let backup: String
    private let target: BlobDirectory
    private let sharing: BackupSharing
    private let far: FarFiles?
    private let onProgress: (Int) -> Void
    private var pending: [Pending] = []
    private var pendingBytes: Int64 = 0

    private(set) var checksums: ChecksumLists
    private(set) var paths: [String] = []
    private(set) var bytes: Int64 = 0
    private(set) var copiedBytes: Int64 = 0
    private(set) var sharedBytes: Int64 = 0
    private(set) var untracked: [String] = []
    private(set) var missing: [String] = []
    private(set) var variants: [String: String] = [:]

    /// - Parameter far: what the backup has elsewhere, if `backup` is but the part that is sent there.
    init(
        source: BlobDirectory, backup: String, sharing: BackupSharing, far: FarFiles? = nil,
        onProgress: @escaping (Int) -> Void
    ) throws {
        self.source = source
        self.backup = backup
        self.sharing = sharing
        self.far = far
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
        let place = try far.map { try self.place(of: id, identity, file, in: $0) } ?? place(of: id, identity)
        if place.path != Self.path(of: id) { variants[id.hex] = place.path }
        paths.append(place.path)
        bytes += identity.size
        guard place.isThere else {
            try copy(file, id, to: place)
            return true
        }
        // Whole, since it has its name; a run that was killed may not have noted its checksum.
        if checksums.sums[place.path] == nil {
            checksums.add(place.path, try BackupFiles.sum("\(backup)/\(place.path)").sum)
        }
        return true
    }

    /// A copy that is there is never overwritten, since nobody can tell here which of two sealings is sound; and a path
    /// whose SHA-256 a generation relies on gets those bytes again, or none.
    private func place(of id: ContentID, _ identity: SealingIdentity) throws -> Place {
        let path = Self.path(of: id)
        if try target.status(of: id) == nil {
            guard let known = checksums.sums[path], try sum(of: id) != known else {
                return Place(directory: target, path: path, isThere: false)
            }
        } else if try SealingIdentity(of: target.open(id), path: target.path) == identity {
            return Place(directory: target, path: path, isThere: true)
        }
        let directory = try makeDirectory(of: identity)
        let other = Self.otherPath(of: id, identity)
        return Place(directory: directory, path: other, isThere: try directory.status(of: id) != nil)
    }

    private func sum(of id: ContentID) throws -> String {
        try BackupFiles.sum("\(source.path)/\(id.hex).enc").sum.hex
    }

    /// What a list names and the far disk has is whole: the list is sent after the files.
    private func place(
        of id: ContentID, _ identity: SealingIdentity, _ file: OwnedDescriptor, in far: FarFiles
    ) throws -> Place {
        let path = Self.path(of: id)
        guard let known = checksums.sums[path] else { return Place(directory: target, path: path, isThere: false) }
        // Of one size and time it is the file that was sent; a restored store has other times and the same bytes.
        if try far.isSame(path, file) || sum(of: id) == known {
            return Place(directory: target, path: path, isThere: far.contains(path))
        }
        let other = Self.otherPath(of: id, identity)
        let isThere = checksums.sums[other] != nil && far.contains(other)
        return Place(directory: try makeDirectory(of: identity), path: other, isThere: isThere)
    }

    private func makeDirectory(of identity: SealingIdentity) throws -> BlobDirectory {
        let folder = "\(backup)/\(BackupLayout.otherSealings)/\(identity.name)"
        try BackupFiles.makeDirectory(folder)
        return try BlobDirectory(path: folder)
    }

    private func copy(_ file: OwnedDescriptor, _ id: ContentID, to place: Place) throws {
        let isLinked = try sharing == .hardLink && place.directory.link(file, as: id)
        let incoming = isLinked ? nil : try place.directory.begin()
        let isShared = try incoming?.share(file) ?? true
        let digest = try SHA256()
        // What the backup has now is what gets a checksum, whatever becomes of the store's file.
        let content = isShared ? incoming?.content ?? file : file
        var count: Int64 = 0
        try BackupFiles.forEachPiece(of: content, "\(source.path)/\(id.hex).enc") { piece in
            digest.update(piece)
            if !isShared { try incoming?.write(piece) }
            count += Int64(piece.count)
            onProgress(piece.count)
        }
        if isShared { sharedBytes += count } else { copiedBytes += count }
        pendingBytes += count
        let sum = try digest.finish()
        pending.append(
            Pending(id: id, path: place.path, directory: place.directory, incoming: incoming, sum: sum))
        if pending.count >= Self.maximumCount || pendingBytes >= Self.maximumBytes { try commit() }
    }

    /// Files are durable before they get their names: one that has its name is whole.
    private func commit() throws {
        defer {
            pending = []
            pendingBytes = 0
        }
        guard !pending.isEmpty else { return }
        let written = pending.compactMap(\.incoming)
        try target.synchronize(contentsOf: written)
        for copy in pending {
            let isNamed = try copy.incoming.map { try copy.directory.commit($0, as: copy.id) } ?? true
            if isNamed { checksums.add(copy.path, copy.sum) }
        }
        for directory in pending.map(\.directory) where directory !== target { try directory.synchronize() }
        try target.synchronize(namesOf: written)
    }

    static func path(of id: ContentID) -> String { path(of: id.hex) }

    /// Where a blob lies in a data root, and its first sealing in a backup.
    static func path(of hash: String) -> String { "\(BackupLayout.blobs)/\(hash).enc" }

    private static func otherPath(of id: ContentID, _ identity: SealingIdentity) -> String {
        "\(BackupLayout.otherSealings)/\(identity.name)/\(id.hex).enc"
    }
}
