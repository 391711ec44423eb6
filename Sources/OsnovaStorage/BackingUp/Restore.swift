internal import Blobs
internal import Catalog
internal import Foundation
internal import Glibc
internal import Primitives
internal import SystemPackage

/// What a restoration made.
public struct RestoreReport: Sendable {
    /// The generation.
    public let generation: String
    /// Sealed files.
    public let blobs: Int
    /// Where the data root that was there before is kept; nil where there was none.
    public let keptRoot: String?
    /// Blobs that had no file, or none that could be read, when the backup was made.
    public let missing: [String]
    /// What a partial restoration left out.
    public let leftOut: [LeftOut]
    /// Whether a partial restoration took the sealed files without comparing them with what they were, since the backup's
    /// checksum lists are damaged: reads verify them all the same.
    public let isUnchecked: Bool

    /// A file that is damaged in the backup, or gone from it.
    public struct LeftOut: Sendable {
        /// Where it would be in the data root; bytes that are not printable ASCII are `%XX`.
        public let path: String
        /// What is wrong with it, in words.
        public let reason: String
    }
}

/// Makes a data root of a generation of a backup; needs no key.
///
/// Every byte is checked on its way into a new folder, which must open as a store; only then it takes the place of the data
/// root, in one step. The data root that was there is kept beside it.
public struct Restore {
    private let source: BackupSource
    private let root: DataRoot
    private let onProgress: (Int) -> Void

    /// Readies a restoration of a backup in a directory to a data root.
    public init(backup: String, to root: DataRoot, onProgress: @escaping (Int) -> Void = { _ in }) {
        self.init(from: .directory(DataRoot(path: backup).path), to: root, onProgress: onProgress)
    }

    /// Readies a restoration to a data root.
    ///
    /// - Parameter onProgress: told the bytes just fetched or copied.
    public init(from source: BackupSource, to root: DataRoot, onProgress: @escaping (Int) -> Void = { _ in }) {
        self.source = source
        self.root = root
        self.onProgress = onProgress
    }

    /// Restores a generation, the newest one without a name.
    ///
    /// - Parameters:
    ///   - force: whether to replace a data root that is in use.
    ///   - isPartial: whether to leave damaged files out instead of restoring nothing.
    /// - Throws: `damaged` for a backup that is; `busy` while components run or the data root is mounted; `cannotCreate`.
    ///   The data root is as it was then.
    public func run(generation: String? = nil, force: Bool = false, isPartial: Bool = false) throws -> RestoreReport {
        // First of all: what is in use is refused before anything is fetched.
        let existing = try RestoreTarget(root, force: force)
        defer { existing.removeFetched() }
        let backup = try source.fetch(
            generation, into: existing.fetchFolder, isPartial: isPartial, onProgress: onProgress)
        let place = try BackupPlace(opening: backup)
        let manifest = try place.manifest(generation)
        let folder = try existing.freshFolder()
        var leftOut: [RestoreReport.LeftOut] = []
        let isUnchecked: Bool
        do {
            let contents = try build(folder, backup, manifest, isPartial: isPartial) { path, error in
                guard isPartial else { throw error }
                leftOut.append(.init(path: path, reason: error.message))
            }
            isUnchecked = !contents.hasChecksums
            let store = try Store.open(at: DataRoot(path: folder), keys: nil)
            try store.close()
        } catch {
            // Nobody has seen it yet.
            try? FileManager.default.removeItem(atPath: folder)
            throw error
        }
        let kept = try existing.replaceWithFolder()
        try Store.open(at: root, keys: nil).close()
        return RestoreReport(
            generation: manifest.generation,
            blobs: manifest.blobCount - leftOut.count { $0.path.hasPrefix("\(BackupLayout.blobs)/") }, keptRoot: kept,
            missing: manifest.missing, leftOut: leftOut, isUnchecked: isUnchecked)
    }

    private func build(
        _ folder: String, _ backup: String, _ manifest: BackupManifest, isPartial: Bool,
        onDamage: (_ path: String, OsnovaError) throws -> Void
    ) throws -> BackupContents {
        let target = DataRoot(path: folder)
        try target.makeDirectories()
        let entries = try RestoredEntries(manifest, below: folder)
        try BackupDatabases(backup: backup).restore(manifest.database, to: target.database)
        let contents = try BackupContents(
            backup: backup, manifest: manifest, database: target.database, needsChecksums: !isPartial)
        let blobs = try BlobDirectory(path: target.blobs)
        for blob in contents.blobs {
            do {
                try place(blob, in: blobs, contents)
            } catch let error as OsnovaError where error.kind == .damaged {
                try onDamage(BackupBlobs.path(of: blob.id), error)
            }
        }
        try entries.make(from: contents, onProgress: onProgress) { try onDamage($0.path, $1) }
        do {
            try SystemCalls.synchronizeDisk(of: SystemCalls.open(folder, O_RDONLY | O_DIRECTORY))
        } catch {
            throw error.failure("writing \(folder) to its disk", kind: .inputOutput)
        }
        return contents
    }

    /// By hard link from a backup that was fetched for this and goes in a moment, else by reflink where the disk can.
    private func place(
        _ blob: (id: String, path: String), in blobs: BlobDirectory, _ contents: BackupContents
    ) throws {
        guard let id = ContentID(hex: blob.id) else {
            throw OsnovaError.damaged(
                "the manifest of \(contents.manifest.generation) names \(blob.id), which is no blob")
        }
        let file = try contents.openBlob(blob.path)
        if source.isFetched, try blobs.link(file, as: id) {
            do {
                return try contents.readBlob(blob.path, file) { onProgress($0.count) }
            } catch {
                try? blobs.remove(id)
                throw error
            }
        }
        let incoming = try blobs.begin()
        let isShared = try incoming.share(file)
        try contents.readBlob(blob.path, isShared ? incoming.content : file) { piece in
            if !isShared { try incoming.write(piece) }
            onProgress(piece.count)
        }
        _ = try blobs.commit(incoming, as: id)
    }
}
