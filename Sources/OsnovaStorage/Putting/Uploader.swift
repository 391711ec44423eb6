internal import Catalog
internal import Glibc
internal import Primitives
public import SystemPackage

/// Puts files and directories under names in `/files`, in batches.
///
/// A file that cannot be put is told and left out; the others are stored. While one batch is committed, the next is
/// filled. Used by one thread at a time.
public final class Uploader {
    /// A file that is stored: durable, listed, readable.
    public struct Uploaded: Sendable {
        /// The path that was given, as bytes.
        public let name: [UInt8]
        /// What became of the content.
        public let result: PutResult
    }

    /// Files after which a batch is committed in the background: enough to share the waits for the disk.
    private static let turnCount = 1024

    /// Nanoseconds for which removal, which waits for a moment without a batch, is kept out.
    private static let patience: UInt64 = 5_000_000_000
    /// Longer than those who wait for that moment wait between two looks, in microseconds.
    private static let pause: UInt32 = 15_000

    private let makeBatch: () throws -> PutBatch
    private var filling: UploadLoad
    private var committing: BackgroundCommit?
    private var spare: UploadLoad?
    private var lastPause = Clock.monotonic
    private let recursive: Bool
    private let onStored: (Uploaded) -> Void
    private let onFailure: (any Error) -> Void

    /// Readies an upload.
    ///
    /// - Parameters:
    ///   - store: opened with its keys.
    ///   - recursive: whether directories are put with all they hold.
    ///   - compressing: whether contents that shrink are compressed; nil for the store's own setting.
    ///   - onStored: called for each file once it is durable.
    ///   - onFailure: called for each path that was left out.
    public init(
        store: Store, recursive: Bool, compressing: Bool? = nil, onStored: @escaping (Uploaded) -> Void,
        onFailure: @escaping (any Error) -> Void
    ) throws {
        makeBatch = { try PutBatch(store: store, compressing: compressing) }
        filling = UploadLoad(try makeBatch())
        self.recursive = recursive
        self.onStored = onStored
        self.onFailure = onFailure
    }

    /// Puts a file, or with `recursive` a directory, under a path of the store.
    public func add(_ path: FilePath, at target: UploadPath) throws {
        var status = stat()
        guard path.withPlatformString({ stat($0, &status) }) == 0 else {
            return onFailure(Errno(rawValue: errno).failure("reading \(path.string)"))
        }
        if status.st_mode & S_IFMT == S_IFDIR, recursive {
            try addDirectory(path, at: target)
        } else if target.components.isEmpty {
            onFailure(OsnovaError(.usage, "\(path.string) leaves no name: choose one with --as"))
        } else {
            try addFile(.file(path), name: path.bytes) { _ in target }
        }
    }

    /// Puts a stream to its end; without a path it is kept under its SHA-256.
    public func add(stream: CInt, name: String, at target: UploadPath?) throws {
        try addFile(.stream(stream, name: name), name: Array(name.utf8)) { target ?? UploadPath(unnamed: $0.id) }
    }

    /// Makes durable what was added since the last time.
    public func commit() throws {
        try settle()
        try report(filling) { try filling.batch.commit() }
    }

    /// Has what was added made durable while more is added.
    private func turn() throws {
        if Clock.monotonic &- lastPause >= Self.patience {
            try commit()
            usleep(Self.pause)
            lastPause = Clock.monotonic
            return
        }
        try settle()
        committing = BackgroundCommit(of: filling)
        filling = try spare ?? UploadLoad(makeBatch())
        spare = nil
    }

    /// Waits for the batch that is being committed.
    private func settle() throws {
        guard let commit = committing else { return }
        committing = nil
        spare = commit.load
        try report(commit.load, of: commit.finish)
    }

    private func report(_ load: UploadLoad, of commit: () throws -> [OsnovaError]) throws {
        defer { load.stored = [] }
        for failure in try commit() { onFailure(failure) }
        for file in load.stored { onStored(file) }
    }

    private func addFile(
        _ source: PutBatch.Source, name: [UInt8], at target: @escaping (PutResult) -> UploadPath
    ) throws {
        do {
            let load = filling
            try load.batch.take(source) { [unowned load] writing, row, result in
                try writing.saveFile(at: target(result).components, blob: row)
                load.stored.append(Uploaded(name: name, result: result))
            }
        } catch let failure as SourceFailure {
            onFailure(failure.reason)
        } catch let error as OsnovaError where error.kind == .usage {
            // A content that is too long; whatever else fails, such as a full disk, would fail for the next file too.
            onFailure(error)
        }
        if filling.batch.isFull || filling.batch.count >= Self.turnCount { try turn() }
    }

    private func addDirectory(_ path: FilePath, at target: UploadPath) throws {
        let names: [[UInt8]]
        do {
            names = try DirectoryListing.names(in: path)
        } catch let error as OsnovaError {
            return onFailure(error)
        }
        filling.batch.add { try $0.saveDirectory(at: target.components) }
        for name in names {
            guard let child = DirectoryListing.path(of: name, in: path) else { continue }
            try addEntry(child, at: target.appending(name))
        }
    }

    private func addEntry(_ path: FilePath, at target: UploadPath) throws {
        var status = stat()
        guard path.withPlatformString({ lstat($0, &status) }) == 0 else {
            return onFailure(Errno(rawValue: errno).failure("reading \(path.string)"))
        }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: try addDirectory(path, at: target)
        case S_IFLNK: try addSymbolicLink(path, at: target)
        default: try addFile(.file(path), name: path.bytes) { _ in target }
        }
    }

    private func addSymbolicLink(_ path: FilePath, at target: UploadPath) throws {
        do {
            let destination = try DirectoryListing.target(of: path)
            filling.batch.add { try $0.saveSymbolicLink(at: target.components, target: destination) }
        } catch let error as OsnovaError {
            onFailure(error)
        }
    }
}
