internal import Catalog
internal import Glibc
internal import Primitives
internal import SystemPackage

/// Copies what is neither blob nor database: the identity, the components' data, the logs.
struct BackupEntries {
    static let folders = ["identity", "components", "logs", "snapshots"]
    /// Folders in which this program writes: a link in them would lead it elsewhere, and is neither backed up nor restored.
    static let foldersWithoutLinks = ["identity", "logs"]

    let root: DataRoot
    let backup: String
    /// What the newest generation has.
    let earlier: [BackupManifest.Entry]
    /// What the backup has elsewhere, if `backup` is but the part that is sent there.
    let far: FarFiles?
    let onProgress: (Int) -> Void
    private(set) var entries: [BackupManifest.Entry] = []
    private(set) var copiedBytes: Int64 = 0
    private(set) var unreadable: [BackupReport.Unreadable] = []

    init(
        root: DataRoot, backup: String, earlier: [BackupManifest.Entry] = [], far: FarFiles? = nil,
        onProgress: @escaping (Int) -> Void
    ) {
        self.root = root
        self.backup = backup
        self.earlier = earlier
        self.far = far
        self.onProgress = onProgress
    }

    /// Copies each file whose bytes the backup does not have yet.
    mutating func copy() throws {
        for folder in Self.folders { try copyTop(folder) }
        try copyNumbers()
    }

    private var folder: String { "\(backup)/\(BackupLayout.files)" }

    private func isKnown(_ sum: ContentID) -> Bool {
        access("\(folder)/\(sum.hex)", F_OK) == 0 || far?.contains("\(BackupLayout.files)/\(sum.hex)") == true
    }

    /// Where a link stands for a folder of the data root, what it leads to is backed up, and comes back as a folder.
    private mutating func copyTop(_ folder: String) throws {
        let path = "\(root.path)/\(folder)"
        guard (try? SystemCalls.status(at: nil, path))?.type == S_IFLNK else {
            return try copy(FilePath(path), as: Array(folder.utf8))
        }
        var status = stat()
        guard let real = realpath(path, nil), stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw OsnovaError(.notFound, "\(path) leads to no directory: mount its disk, or mend the link")
        }
        defer { free(real) }
        try copy(FilePath(platformString: real), as: Array(folder.utf8))
    }

    private mutating func copy(_ path: FilePath, as name: [UInt8]) throws {
        var status = stat()
        guard path.withPlatformString({ lstat($0, &status) }) == 0 else {
            // A component may remove its own files while it is copied.
            if errno == ENOENT { return }
            return keepEarlier(name, Errno(rawValue: errno).failure("reading \(path.string)"))
        }
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            entries.append(Self.entry(.directory, name, status))
            guard let children = try read(name, { try DirectoryListing.names(in: path) }) else { return }
            for child in children {
                guard let target = DirectoryListing.path(of: child, in: path) else { continue }
                try copy(target, as: name + [UInt8(ascii: "/")] + child)
            }
        case S_IFREG:
            guard let source = try read(name, { try Self.open(path) }) else { return }
            let (sum, size) = try copyFile(source, path)
            entries.append(Self.entry(.file, name, status, size: size, sum: sum.hex))
        case S_IFLNK:
            guard !Self.foldersWithoutLinks.contains(where: { name.starts(with: "\($0)/".utf8) }) else { return }
            guard let target = try read(name, { PrintablePath.encode(try DirectoryListing.target(of: path)) }) else {
                return
            }
            entries.append(Self.entry(.link, name, status, target: target))
        default: break
        }
    }

    /// What a look finds; nil for what is gone by now, and for what cannot be read: the rest is to be had without it.
    private mutating func read<Found>(_ name: [UInt8], _ look: () throws -> Found) throws -> Found? {
        do {
            return try look()
        } catch let error as OsnovaError where error.kind == .notFound {
            return nil
        } catch let error as OsnovaError where [.inputOutput, .denied, .damaged].contains(error.kind) {
            keepEarlier(name, error)
            return nil
        }
    }

    /// Takes what the newest generation has of something that cannot be read, and of all that lies below it.
    private mutating func keepEarlier(_ name: [UInt8], _ error: OsnovaError) {
        let path = PrintablePath.encode(name)
        let isListed = entries.last?.path == path
        let kept = earlier.filter { entry in
            guard entry.path == path ? !isListed : entry.path.hasPrefix("\(path)/") else { return false }
            return entry.kind != .file || entry.sha256.flatMap(ContentID.init(hex:)).map(isKnown) == true
        }
        entries += kept
        unreadable.append(.init(path: path, reason: error.message, isKept: !kept.isEmpty))
    }

    /// A file that was read to its end, and what it was then.
    private struct Source {
        let file: OwnedDescriptor
        let sum: ContentID
        let size: Int64
    }

    private static func open(_ path: FilePath) throws -> Source {
        let file = try BackupFiles.open(path)
        let (sum, size) = try BackupFiles.sum(of: file, path.string)
        return Source(file: file, sum: sum, size: size)
    }

    private mutating func copyFile(_ source: Source, _ path: FilePath) throws -> (sum: ContentID, size: Int64) {
        if isKnown(source.sum) { return (source.sum, source.size) }
        // It may be written to just now: what is copied has a SHA-256 of its own.
        let digest = try SHA256()
        var content: Int64 = 0
        let temporary = source.sum.hex + BackupFiles.unnamedSuffix
        try BackupFiles.write(temporary, in: folder) { append in
            try BackupFiles.forEachPiece(of: source.file, path.string) { piece in
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
    }

    /// Copies the book of numbers, which then tells the files of the backup by what they will be restored with.
    private mutating func copyNumbers() throws {
        guard access(root.numbers, F_OK) == 0 else { return }
        let known = Dictionary(entries.map { ($0.path, $0) }) { $1 }
        let disk: BeneathDirectory
        do {
            disk = try BeneathDirectory(path: root.path)
        } catch {
            throw error.failure("reading \(root.path)")
        }
        let temporary = BackupFiles.temporaryPrefix + "numbers"
        for suffix in ["", "-journal"] { try BackupFiles.remove(temporary + suffix, in: folder) }
        do {
            try NumberBook.copy(root.numbers, to: "\(folder)/\(temporary)") { names in
                let path = Array(names.joined(separator: [UInt8(ascii: "/")]))
                guard let entry = known[PrintablePath.encode(path)],
                    // What cannot be looked at has been told of.
                    let look = try? HostFiles.ifThere({ try disk.look(at: path) })
                else { return nil }
                var identity = NumberBook.Identity(look)
                identity.size = entry.size ?? identity.size
                identity.modified = entry.modified
                return identity
            }
        } catch let error as OsnovaError where error.kind == .damaged {
            // A driver that finds it so gives new numbers; that must not keep the rest out of a backup.
            return try BackupFiles.remove(temporary, in: folder)
        }
        let (sum, size) = try BackupFiles.sum("\(folder)/\(temporary)")
        if isKnown(sum) {
            try BackupFiles.remove(temporary, in: folder)
        } else {
            try BackupFiles.finish(temporary, as: sum.hex, in: folder)
            copiedBytes += size
        }
        var status = stat()
        guard lstat(root.numbers, &status) == 0 else { throw Errno(rawValue: errno).failure("reading \(root.numbers)") }
        entries.append(Self.entry(.file, Array(DataRoot.numbersName.utf8), status, size: size, sum: sum.hex))
    }

    private static func entry(
        _ kind: BackupManifest.Entry.Kind, _ name: [UInt8], _ status: stat, size: Int64? = nil, sum: String? = nil,
        target: String? = nil
    ) -> BackupManifest.Entry {
        return BackupManifest.Entry(
            kind: kind, path: PrintablePath.encode(name), mode: UInt32(status.st_mode & 0o7777),
            modified: status.st_mtim.nanoseconds, size: size, sha256: sum, target: target)
    }
}
