internal import Foundation
internal import Glibc
internal import Primitives
internal import SystemPackage

/// A backup on another machine as far as it is known here: its files by name, its lists and its manifests in a folder.
struct FarBackup {
    let files: FarFiles
    private let rsync: Rsync
    private let folder: String

    /// Looks at the place and fetches what tells of the generations there.
    ///
    /// - Parameter folder: an empty directory or none, which then has the layout of a backup.
    /// - Throws: `cannotCreate` for a directory that holds something else; what ``RsyncOutcome`` throws.
    init(at place: RemotePlace, into folder: String) throws {
        rsync = Rsync(place: place)
        self.folder = folder
        try BackupFiles.makeDirectory(folder)
        let found = try rsync.list() ?? [:]
        files = FarFiles(files: found)
        guard found[BackupLayout.marker] != nil else {
            // As on a disk here: without the mark, what is no hidden rest of a run that was cut off is another's.
            guard found.keys.allSatisfy(Self.isOfCutOffRun) else {
                throw OsnovaError(.cannotCreate, "\(place) holds something that is no backup: name an empty directory")
            }
            return
        }
        let wanted = [BackupLayout.marker, "\(BackupLayout.checksums)/***", "\(BackupLayout.generations)/***"]
        try rsync.fetch(["--exclude=.*"] + wanted.map { "--include=/\($0)" } + ["--exclude=*"], into: folder)
    }

    /// Whether a path is one that a run leaves which was cut off before its mark had come.
    private static func isOfCutOffRun(_ path: String) -> Bool {
        let names = path.split(separator: "/").map(String.init)
        if names.contains(where: { $0.hasPrefix(".") }) || names.first == "lost+found" { return true }
        return path.hasSuffix("/") && names.first.map(BackupLayout.directories.contains) == true
    }

    /// Whether there is a backup.
    var exists: Bool { files.contains(BackupLayout.marker) }

    /// Fetches a whole database, so that the next can be told by what differs from it.
    ///
    /// - Parameter similar: a file here that holds most of it; so little more than what differs travels.
    func fetchDatabase(_ name: String, resembling similar: String) throws {
        let path = "\(BackupLayout.databases)/\(name)"
        guard !name.contains("/"), files.contains(path) else { return }
        guard Glibc.link(similar, "\(folder)/\(path)") == 0 else {
            throw Errno(rawValue: errno).failure("making \(folder)/\(path)", kind: .cannotCreate)
        }
        try rsync.fetch(paths: [path], into: folder)
    }

    /// Fetches files by their paths in the backup.
    func fetch(_ paths: [String], onProgress: (Int) -> Void = { _ in }) throws {
        try rsync.fetch(paths: paths, into: folder, onProgress: onProgress)
    }

    /// Sends what is in the folder and not there yet: what a manifest names before the manifest.
    func send(onProgress: (Int) -> Void) throws {
        let late = [BackupLayout.checksums, BackupLayout.generations]
        try rsync.send(late.map { "--exclude=/\($0)" }, from: folder, onProgress: onProgress)
        for name in late { try rsync.send(["--include=/\(name)/***", "--exclude=*"], from: folder) }
    }
}
