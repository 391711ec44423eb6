internal import Blobs
internal import Catalog
internal import Glibc
internal import Primitives
internal import SystemPackage

/// Heals what a disk did to a backup, from the store that it is of: no copy is made anew while a damaged one has its name.
///
/// A file is replaced only by one with the SHA-256 that the generation was made with.
public struct BackupHealing {
    private let store: Store
    private let backup: String

    /// Readies the healing of a backup in a directory; nobody else may have it open.
    public init(store: Store, backup path: String) {
        self.store = store
        backup = DataRoot(path: path).path
    }

    /// Reads back everything that a generation needs and copies anew what is damaged or gone.
    ///
    /// - Returns: paths in the backup that are sound again.
    public func run(_ generation: String, onProgress: (Int) -> Void = { _ in }) throws -> [String] {
        let place = try BackupPlace(opening: backup)
        let databases = BackupDatabases(backup: backup)
        let manifest = try place.manifest(generation)
        let copy = try databases.freshTemporary()
        defer { _ = try? databases.freshTemporary() }
        try databases.restore(manifest.database, to: copy)
        let contents = try BackupContents(backup: backup, manifest: manifest, database: copy)
        var healed: [String] = []
        // No blob is removed from the store meanwhile.
        let lock = try store.blobs.lockAgainstRemoval()
        try withExtendedLifetime((place, lock)) {
            for blob in contents.blobs {
                guard let sum = contents.sum(of: blob.path) else { continue }
                let source = FilePath("\(store.blobs.path)/\(blob.id).enc")
                if try heal(blob.path, sum: sum, from: source, onProgress) { healed.append(blob.path) }
            }
            for entry in manifest.entries where entry.kind == .file {
                guard let sum = entry.sha256, let source = PrintablePath.path(entry.path, below: store.root.path)
                else { continue }
                let path = "\(BackupLayout.files)/\(sum)"
                if try heal(path, sum: sum, from: source, onProgress) { healed.append(path) }
            }
        }
        return healed
    }

    private func heal(_ path: String, sum: String, from source: FilePath, _ onProgress: (Int) -> Void) throws -> Bool {
        let target = FilePath("\(backup)/\(path)")
        guard try !Self.has(target, sum, onProgress), try Self.has(source, sum, onProgress),
            let name = target.lastComponent?.string
        else { return false }
        let file = try BackupFiles.open(source)
        let digest = try SHA256()
        // In one step: a killed run leaves the damaged file or the sound one.
        try BackupFiles.write(name, in: target.removingLastComponent().string) { append in
            try BackupFiles.forEachPiece(of: file, source.string) { piece in
                digest.update(piece)
                try append(piece)
            }
            guard try digest.finish().hex == sum else {
                throw OsnovaError(.busy, "\(source.string) was changed while it was copied: try again")
            }
        }
        return true
    }

    private static func has(_ path: FilePath, _ sum: String, _ onProgress: (Int) -> Void) throws -> Bool {
        do {
            return try BackupFiles.sum(of: BackupFiles.open(path), path.string, progress: onProgress).sum.hex == sum
        } catch let error as OsnovaError where [.notFound, .damaged, .inputOutput].contains(error.kind) {
            // A sector that cannot be read is damage like any other.
            return false
        }
    }
}
