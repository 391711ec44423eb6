internal import Glibc
internal import Primitives
internal import SystemPackage

/// Copies what is neither blob nor database: the identity, the components' data, the logs.
struct BackupEntries {
    static let folders = ["identity", "components", "logs", "snapshots"]

    let root: DataRoot
    let backup: String
    let onProgress: (Int) -> Void
    private(set) var entries: [BackupManifest.Entry] = []
    private(set) var copiedBytes: Int64 = 0

    init(root: DataRoot, backup: String, onProgress: @escaping (Int) -> Void) {
        self.root = root
        self.backup = backup
        self.onProgress = onProgress
    }

    /// Copies each file whose bytes the backup does not have yet.
    mutating func copy() throws {
        for folder in Self.folders { try copy(FilePath("\(root.path)/\(folder)"), as: Array(folder.utf8)) }
    }

    private mutating func copy(_ path: FilePath, as name: [UInt8]) throws {
        var status = stat()
        guard path.withPlatformString({ lstat($0, &status) }) == 0 else {
            // A component may remove its own files while it is copied.
            if errno == ENOENT { return }
            throw Errno(rawValue: errno).failure("reading \(path.string)")
        }
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            entries.append(Self.entry(.directory, name, status))
            for child in try DirectoryListing.names(in: path) {
                guard let target = DirectoryListing.path(of: child, in: path) else { continue }
                try copy(target, as: name + [UInt8(ascii: "/")] + child)
            }
        case S_IFREG:
            guard let (sum, size) = try copyFile(path.string) else { return }
            entries.append(Self.entry(.file, name, status, size: size, sum: sum.hex))
        case S_IFLNK:
            let target = PrintablePath.encode(try DirectoryListing.target(of: path))
            entries.append(Self.entry(.link, name, status, target: target))
        default: break
        }
    }

    /// Nil for a file that is gone by now.
    private mutating func copyFile(_ path: String) throws -> (sum: ContentID, size: Int64)? {
        let folder = "\(backup)/\(BackupLayout.files)"
        do {
            let known = try BackupFiles.sum(path)
            if access("\(folder)/\(known.sum.hex)", F_OK) == 0 { return known }
            // It may be written to just now: what is copied has a SHA-256 of its own.
            let digest = try SHA256()
            var content: Int64 = 0
            let source = try BackupFiles.open(path)
            let temporary = known.sum.hex + BackupFiles.unnamedSuffix
            try BackupFiles.write(temporary, in: folder) { append in
                try BackupFiles.forEachPiece(of: source, path) { piece in
                    digest.update(piece)
                    content += Int64(piece.count)
                    onProgress(piece.count)
                    try append(piece)
                }
            }
            let sum = try digest.finish()
            try BackupFiles.rename(temporary, to: sum.hex, in: folder)
            copiedBytes += content
            return (sum, content)
        } catch let error as OsnovaError where error.kind == .notFound {
            return nil
        }
    }

    private static func entry(
        _ kind: BackupManifest.Entry.Kind, _ name: [UInt8], _ status: stat, size: Int64? = nil, sum: String? = nil,
        target: String? = nil
    ) -> BackupManifest.Entry {
        let modified = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
        return BackupManifest.Entry(
            kind: kind, path: PrintablePath.encode(name), mode: UInt32(status.st_mode & 0o7777), modified: modified,
            size: size, sha256: sum, target: target)
    }
}
