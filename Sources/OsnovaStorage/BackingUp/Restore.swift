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
    /// Blobs that had no file when the backup was made.
    public let missing: [String]
}

/// Makes a data root of a generation of a backup; needs no key.
///
/// Every byte is checked on its way into a new folder, which must open as a store; only then it takes the place of the data
/// root, in one step. The data root that was there is kept beside it.
public struct Restore {
    private let backup: String
    private let root: DataRoot
    private let onProgress: (Int) -> Void

    /// Readies a restoration of a backup to a data root.
    ///
    /// - Parameter onProgress: told the bytes just copied.
    public init(backup: String, to root: DataRoot, onProgress: @escaping (Int) -> Void = { _ in }) {
        self.backup = DataRoot(path: backup).path
        self.root = root
        self.onProgress = onProgress
    }

    /// Restores a generation, the newest one without a name.
    ///
    /// - Parameter force: whether to replace a data root that is in use.
    /// - Throws: `damaged` for a backup that is; `busy` while components run or the data root is mounted; `cannotCreate`.
    ///   The data root is as it was then.
    public func run(generation: String? = nil, force: Bool = false) throws -> RestoreReport {
        let place = try BackupPlace(opening: backup)
        let manifest = try place.manifest(generation)
        let existing = try RestoreTarget(root, force: force)
        let folder = try existing.freshFolder()
        do {
            try build(folder, manifest)
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
            generation: manifest.generation, blobs: manifest.blobCount, keptRoot: kept, missing: manifest.missing)
    }

    private func build(_ folder: String, _ manifest: BackupManifest) throws {
        let target = DataRoot(path: folder)
        try target.makeDirectories()
        try BackupDatabases(backup: backup).restore(manifest.database, to: target.database)
        let contents = try BackupContents(backup: backup, manifest: manifest, database: target.database)
        for blob in contents.blobs {
            try write("\(target.blobs)/\(blob.id).enc") { append in
                try contents.readBlob(blob.path) { piece in
                    onProgress(piece.count)
                    try append(piece)
                }
            }
        }
        for entry in manifest.entries { try restore(entry, below: folder, contents) }
        // Times and modes of directories last: what is made in them changes them.
        for entry in manifest.entries.reversed() where entry.kind == .directory {
            try Self.finish(entry, Self.path(entry, below: folder))
        }
        do {
            try SystemCalls.synchronizeDisk(of: SystemCalls.open(folder, O_RDONLY | O_DIRECTORY))
        } catch {
            throw error.failure("writing \(folder) to its disk", kind: .inputOutput)
        }
    }

    private func restore(_ entry: BackupManifest.Entry, below folder: String, _ contents: BackupContents) throws {
        let path = try Self.path(entry, below: folder)
        switch entry.kind {
        case .directory:
            try BackupFiles.makeDirectory(path.string)
        case .file:
            try write(path.string) { append in
                try contents.readFile(entry) { piece in
                    onProgress(piece.count)
                    try append(piece)
                }
            }
            try Self.finish(entry, path)
        case .link:
            guard let target = entry.target.flatMap(PrintablePath.decode) else {
                throw OsnovaError.damaged("the manifest of \(contents.manifest.generation) is malformed")
            }
            let status = PrintablePath.filePath(target).withPlatformString { target in
                path.withPlatformString { symlink(target, $0) }
            }
            guard status == 0 else { throw Errno(rawValue: errno).failure("making \(path.string)") }
        }
    }

    private func write(
        _ path: String, _ fill: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        do {
            let file = try SystemCalls.open(path, O_WRONLY | O_CREAT | O_EXCL)
            try fill { try SystemCalls.write(file, $0) }
        } catch let error as Errno {
            throw error.failure("writing \(path)", kind: .inputOutput)
        }
    }

    private static func path(_ entry: BackupManifest.Entry, below folder: String) throws -> FilePath {
        guard let path = PrintablePath.path(entry.path, below: folder) else {
            throw OsnovaError.damaged("the manifest names \(entry.path), which is no path of a data root")
        }
        return path
    }

    private static func finish(_ entry: BackupManifest.Entry, _ path: FilePath) throws {
        let time = timespec(
            tv_sec: Int(entry.modified / 1_000_000_000), tv_nsec: Int(entry.modified % 1_000_000_000))
        let status = path.withPlatformString { name in
            chmod(name, mode_t(entry.mode & 0o7777)) == 0 ? utimensat(AT_FDCWD, name, [time, time], 0) : -1
        }
        guard status == 0 else { throw Errno(rawValue: errno).failure("restoring \(path.string)") }
    }
}
