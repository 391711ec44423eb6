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

    private let source: BlobDirectory
    private let backup: String
    private let generation: String
    private let target: BlobDirectory
    private let sharing: BackupSharing
    private let places: SealingPlaces
    private let onProgress: (Int) -> Void
    private var pending: [Pending] = []
    private var pendingBytes: Int64 = 0
    private var notedCount = 0

    private(set) var paths: [String] = []
    private(set) var bytes: Int64 = 0
    private(set) var copiedBytes: Int64 = 0
    private(set) var sharedBytes: Int64 = 0
    private(set) var untracked: [String] = []
    private(set) var missing: [String] = []
    /// Those that have a file which cannot be read; where the backup has no earlier copy of it either, they are missing too.
    private(set) var unreadable: [VerificationReport.Damage] = []
    private(set) var variants: [String: String] = [:]

    init(
        source: BlobDirectory, backup: String, generation: String, places: SealingPlaces, sharing: BackupSharing,
        onProgress: @escaping (Int) -> Void
    ) throws {
        self.source = source
        self.backup = backup
        self.generation = generation
        self.sharing = sharing
        self.places = places
        self.onProgress = onProgress
        target = try BlobDirectory(path: "\(backup)/\(BackupLayout.blobs)")
        try target.removeStaleTemporaries()
        for path in BackupLayout.otherSealings(in: backup) {
            try BlobDirectory(path: path).removeStaleTemporaries()
        }
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
        for id in others {
            // What is missing keeps the copies that older generations have, whether the database knows it or not.
            if try copy(id) { untracked.append(id.hex) } else { missing.append(id.hex) }
        }
        try commit()
    }

    /// False where the store has no file of a content, or none that can be read, and the backup no copy of that one.
    private func copy(_ id: ContentID) throws -> Bool {
        do {
            guard let sealing = try sealing(of: id), let place = try keep(sealing) else { return false }
            if place.path != Self.path(of: id) { variants[id.hex] = place.path }
            paths.append(place.path)
            bytes += sealing.identity.size
            return true
        } catch let error as OsnovaError where error.kind == .damaged {
            unreadable.append(.init(sha256: id.hex, reason: error.message))
            return false
        }
    }

    /// The place at which the backup has a sealed file from now on; nil for one that cannot be read and has no earlier copy.
    private func keep(_ sealing: StoredSealing) throws -> SealingPlaces.Place? {
        do {
            let place = try places.place(of: sealing)
            if !place.isThere { try copy(sealing, to: place) }
            return place
        } catch let error as OsnovaError where error.kind == .damaged {
            unreadable.append(.init(sha256: sealing.id.hex, reason: error.message))
            return try places.earlierCopy(of: sealing)
        }
    }

    private func sealing(of id: ContentID) throws -> StoredSealing? {
        do {
            return try StoredSealing(of: id, in: source)
        } catch let error as OsnovaError where error.kind == .notFound {
            return nil
        }
    }

    private func copy(_ sealing: StoredSealing, to place: SealingPlaces.Place) throws {
        let directory = try directory(place.folder)
        let isLinked = try sharing == .hardLink && directory.link(sealing.file, as: sealing.id)
        let incoming = isLinked ? nil : try directory.begin()
        let sum: ContentID
        do {
            sum = try copy(sealing, to: incoming)
        } catch {
            if isLinked { try? directory.remove(sealing.id) }
            throw error
        }
        pending.append(
            Pending(id: sealing.id, path: place.path, directory: directory, incoming: incoming, sum: sum))
        if pending.count >= Self.maximumCount || pendingBytes >= Self.maximumBytes { try commit() }
    }

    /// The SHA-256 of what was copied.
    ///
    /// - Parameter incoming: nil for a link.
    private func copy(_ sealing: StoredSealing, to incoming: IncomingBlob?) throws -> ContentID {
        let isShared = try incoming?.share(sealing.file) ?? true
        let digest = try SHA256()
        // What the backup has now is what gets a checksum, whatever becomes of the store's file.
        let content = isShared ? incoming?.content ?? sealing.file : sealing.file
        var count: Int64 = 0
        try BackupFiles.forEachReadablePiece(of: content, sealing.path) { piece in
            digest.update(piece)
            if !isShared { try incoming?.write(piece) }
            count += Int64(piece.count)
            onProgress(piece.count)
        }
        if isShared { sharedBytes += count } else { copiedBytes += count }
        pendingBytes += count
        return try digest.finish()
    }

    private func directory(_ folder: String) throws -> BlobDirectory {
        if folder == BackupLayout.blobs { return target }
        try BackupFiles.makeDirectory("\(backup)/\(folder)")
        return try BlobDirectory(path: "\(backup)/\(folder)")
    }

    /// Files are durable before they get their names: one that has its name is whole.
    private func commit() throws {
        defer {
            pending = []
            pendingBytes = 0
        }
        guard !pending.isEmpty else { return }
        let written = pending.compactMap(\.incoming)
        if written.count == pending.count {
            try target.synchronize(contentsOf: written)
        } else {
            // What a link leads to may be another program's, who has left it in memory.
            try target.synchronizeDisk()
        }
        for copy in pending {
            let isNamed = try copy.incoming.map { try copy.directory.commit($0, as: copy.id) } ?? true
            if isNamed { places.enter(copy.path, copy.sum) }
        }
        for directory in pending.map(\.directory) where directory !== target { try directory.synchronize() }
        try target.synchronize(namesOf: written)
        try noteChecksums()
    }

    /// Writes the list of what is there by now: should this run be killed, the next need not read those copies.
    private func noteChecksums() throws {
        let added = places.checksums.added
        // Each list is written whole: ever more rarely.
        guard added.count >= 2 * notedCount else { return }
        _ = try ChecksumLists.write(added, as: generation, in: backup)
        notedCount = added.count
    }

    static func path(of id: ContentID) -> String { path(of: id.hex) }

    /// Where a blob lies in a data root, and its first sealing in a backup.
    static func path(of hash: String) -> String { "\(BackupLayout.blobs)/\(hash).enc" }
}
