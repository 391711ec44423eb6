internal import Glibc
internal import Primitives
internal import SystemPackage

/// The directories, files and links of a generation on their way into a new folder.
///
/// A backup may be anybody's: nothing of it leads out of the folder. Each entry lies in a directory that is an entry too,
/// links come when all else is there, and no file gets the right to run as its owner.
struct RestoredEntries {
    private struct Item {
        let entry: BackupManifest.Entry
        let path: FilePath
    }

    private static let modes: UInt32 = 0o777

    private let folder: FilePath
    private var items: [Item] = []

    /// Readies the entries of a manifest.
    ///
    /// - Parameter folder: new, with the directories of a data root and nothing else that an entry may name.
    /// - Throws: `damaged` for an entry that is none of a data root; nothing is made then.
    init(_ manifest: BackupManifest, below folder: String) throws {
        self.folder = FilePath(folder)
        var kinds: [FilePath: BackupManifest.Entry.Kind] = [:]
        for entry in manifest.entries {
            guard let path = PrintablePath.path(entry.path, below: folder), kinds[path] == nil,
                Self.isTop(entry, path, self.folder) ?? (kinds[path.removingLastComponent()] == .directory)
            else {
                throw OsnovaError.damaged(
                    "the manifest of \(manifest.generation) names \(entry.path), which is no path of a data root: "
                        + "the backup was not made by this program")
            }
            kinds[path] = entry.kind
            items.append(Item(entry: entry, path: path))
        }
    }

    /// Whether an entry may lie in the data root itself; nil where it lies deeper.
    private static func isTop(_ entry: BackupManifest.Entry, _ path: FilePath, _ folder: FilePath) -> Bool? {
        guard path.removingLastComponent() == folder else { return nil }
        switch entry.kind {
        case .directory: return BackupEntries.folders.contains(entry.path)
        case .file: return entry.path == DataRoot.numbersName
        case .link: return false
        }
    }

    /// Makes everything.
    ///
    /// - Parameter onDamage: told of a file or link that is damaged in the backup, which is left out unless this throws.
    func make(
        from contents: BackupContents, onProgress: (Int) -> Void,
        onDamage: (BackupManifest.Entry, OsnovaError) throws -> Void
    ) throws {
        for item in items where item.entry.kind == .directory { try Self.makeDirectory(item.path) }
        for item in items where item.entry.kind == .file {
            do {
                try Self.makeFile(item, contents, onProgress)
                try Self.finish(item)
            } catch let error as OsnovaError where error.kind == .damaged {
                _ = item.path.withPlatformString { unlink($0) }
                try onDamage(item.entry, error)
            }
        }
        for item in items where item.entry.kind == .link {
            do {
                try makeLink(item)
            } catch let error as OsnovaError where error.kind == .damaged {
                try onDamage(item.entry, error)
            }
        }
        // Times and modes of directories last: what is made in them changes them.
        for item in items.reversed() where item.entry.kind == .directory { try Self.finish(item) }
    }

    /// Those of a data root are there already.
    private static func makeDirectory(_ path: FilePath) throws {
        CrashPoint.pass()
        guard path.withPlatformString({ mkdir($0, 0o700) }) == 0 || errno == EEXIST else {
            throw Errno(rawValue: errno).failure("making \(path.string)")
        }
    }

    private static func makeFile(_ item: Item, _ contents: BackupContents, _ onProgress: (Int) -> Void) throws {
        do {
            CrashPoint.pass()
            let options: FileDescriptor.OpenOptions = [.create, .exclusiveCreate, .noFollow, .closeOnExec]
            let file = OwnedDescriptor(
                try FileDescriptor.open(item.path, .writeOnly, options: options, permissions: .ownerReadWrite))
            try contents.readFile(item.entry) { piece in
                try SystemCalls.write(file, piece)
                onProgress(piece.count)
            }
        } catch let error as Errno {
            throw error.failure("writing \(item.path.string)", kind: .inputOutput)
        }
    }

    private func makeLink(_ item: Item) throws {
        let refusing = BackupEntries.foldersWithoutLinks.map { folder.appending($0) }
        guard !refusing.contains(where: { item.path.starts(with: $0) }) else {
            throw OsnovaError.damaged(
                "the backup has a link at \(item.entry.path), which would lead writes of this program elsewhere; "
                    + "'restore --partial' leaves it out")
        }
        guard let target = item.entry.target.flatMap(PrintablePath.decode) else {
            throw OsnovaError.damaged("the manifest names \(item.entry.path), a link to nowhere")
        }
        CrashPoint.pass()
        let status = PrintablePath.filePath(target).withPlatformString { target in
            item.path.withPlatformString { symlink(target, $0) }
        }
        guard status == 0 else { throw Errno(rawValue: errno).failure("making \(item.path.string)") }
        try Self.setTime(item)
    }

    private static func finish(_ item: Item) throws {
        let mode = mode_t(item.entry.mode & modes)
        guard item.path.withPlatformString({ chmod($0, mode) }) == 0 else {
            throw Errno(rawValue: errno).failure("restoring \(item.path.string)")
        }
        try setTime(item)
    }

    /// Of a link its own time, not that of what it points to.
    private static func setTime(_ item: Item) throws {
        let time = timespec(nanoseconds: item.entry.modified)
        let status = item.path.withPlatformString { utimensat(AT_FDCWD, $0, [time, time], AT_SYMLINK_NOFOLLOW) }
        guard status == 0 else { throw Errno(rawValue: errno).failure("restoring the time of \(item.path.string)") }
    }
}
