internal import Catalog
internal import Foundation
internal import Glibc
internal import Primitives
public import SystemPackage

/// Where a backup is that is to be restored.
public enum BackupSource: Sendable {
    /// In a directory.
    case directory(String)
    /// On another machine.
    case remote(RemotePlace)
    /// In a stream, as ``BackupStream`` writes it.
    case stream(FileDescriptor)
    /// In what a command of the shell writes.
    case command(String)

    /// What is at a path: a directory, or a file that holds a stream.
    public init(path: String) throws {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFDIR else {
            self = .directory(DataRoot(path: path).path)
            return
        }
        do {
            self = .stream(try FileDescriptor.open(FilePath(path), .readOnly, options: [.closeOnExec]))
        } catch let error as Errno {
            throw error.failure("reading \(path)")
        }
    }

    /// Whether what is read is a copy that was made for this.
    var isFetched: Bool {
        if case .directory = self { false } else { true }
    }

    /// A directory with the backup, or at least with what one generation needs.
    ///
    /// - Parameters:
    ///   - folder: where to fetch it; not made for a backup that is in a directory already.
    ///   - isPartial: whether to fetch sealed files even where nothing tells what they should be.
    func fetch(
        _ generation: String?, into folder: () throws -> String, isPartial: Bool, onProgress: @escaping (Int) -> Void
    ) throws -> String {
        switch self {
        case .directory(let path): return path
        case .remote(let place):
            let folder = try folder()
            try place.naming(folder) {
                try Self.fetch(generation, from: place, into: folder, isPartial: isPartial, onProgress)
            }
            return folder
        case .stream(let stream):
            let folder = try folder()
            try Self.unpack(OwnedDescriptor(Self.duplicate(stream)), into: folder, onProgress)
            return folder
        case .command(let line):
            let folder = try folder()
            try PipedCommand(line: line).run(reading: { try Self.unpack($0, into: folder, onProgress) })
            return folder
        }
    }

    private static func duplicate(_ stream: FileDescriptor) throws -> FileDescriptor {
        do {
            return try stream.duplicate()
        } catch let error as Errno {
            throw error.failure("reading the stream")
        }
    }

    private static func unpack(_ stream: OwnedDescriptor, into folder: String, _ onProgress: @escaping (Int) -> Void)
        throws
    {
        try BackupUnpacking.unpack(stream, into: folder, onProgress: onProgress)
        // The manifest comes last.
        guard try !BackupFiles.names(in: "\(folder)/\(BackupLayout.generations)").isEmpty else {
            throw OsnovaError.damaged("the stream holds no whole generation: it is no backup, or was cut")
        }
    }

    private static func fetch(
        _ generation: String?, from place: RemotePlace, into folder: String, isPartial: Bool,
        _ onProgress: @escaping (Int) -> Void
    ) throws {
        let far = try FarBackup(at: place, into: folder)
        guard far.exists else { throw place.isNoBackup }
        for name in BackupLayout.directories { try BackupFiles.makeDirectory("\(folder)/\(name)") }
        let manifest = try BackupPlace(opening: folder).manifest(generation)
        let parts = [manifest.database.whole, manifest.database.delta].compactMap { $0?.name }
        try far.fetch(parts.map { "\(BackupLayout.databases)/\($0)" }.filter(far.files.contains))
        let databases = BackupDatabases(backup: folder)
        let copy = try databases.freshTemporary()
        try databases.restore(manifest.database, to: copy)
        let contents = try BackupContents(
            backup: folder, manifest: manifest, database: copy, needsChecksums: !isPartial)
        let files = Set(manifest.entries.compactMap(\.sha256)).map { "\(BackupLayout.files)/\($0)" }
        // What is missing there is said when it is looked for here.
        try far.fetch((contents.blobs.map(\.path) + files).filter(far.files.contains), onProgress: onProgress)
    }
}
