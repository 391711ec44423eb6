internal import Catalog
internal import Foundation
internal import Glibc
internal import Primitives
public import SystemPackage

/// Puts files and directories under names in `/files`, in batches.
///
/// A file that cannot be put is told and left out; the others are stored. Several loads are sealed at once and committed
/// in their order. Used by one thread at a time.
public final class Uploader {
    /// A file that is stored: durable, listed, readable.
    public struct Uploaded: Sendable {
        /// The path that was given, as bytes; of bytes in memory that in the store, or nothing.
        public let name: [UInt8]
        /// What became of the content.
        public let result: PutResult
    }

    /// Loads that are under way at once; no more than ``PutBatch/maximumCount`` allows for.
    private static let width = max(2, min(4, ProcessInfo.processInfo.activeProcessorCount))
    /// Nanoseconds for which removal, which waits for a moment without a load, is kept out.
    private static let patience: UInt64 = 5_000_000_000
    /// Longer than those who wait for that moment wait between two looks, in microseconds.
    private static let pause: UInt32 = 15_000

    private let makeBatch: () throws -> PutBatch
    private var idle: [PutBatch]
    private var filling = UploadLoad()
    /// The oldest first.
    private var running: [BackgroundUpload] = []
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
        idle = [try makeBatch()]
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
            try append(.content(.file(path), name: path.bytes) { _ in target }, size: Int64(status.st_size))
        }
    }

    /// Puts a stream to its end; without a path it is kept under its SHA-256.
    public func add(stream: CInt, name: String, at target: UploadPath?) throws {
        try append(
            .content(.stream(stream, name: name), name: Array(name.utf8)) { target ?? UploadPath(unnamed: $0.id) })
    }

    /// Puts what is in memory; without a path it is kept under its SHA-256.
    public func add(bytes: [UInt8], at target: UploadPath?) throws {
        let name = target.map { Array($0.components.joined(separator: [UInt8(ascii: "/")])) } ?? []
        try append(
            .content(.bytes(bytes), name: name) { target ?? UploadPath(unnamed: $0.id) }, size: Int64(bytes.count))
    }

    /// Makes durable what was added since the last time.
    public func commit() throws {
        try start()
        while !running.isEmpty { try settle() }
    }

    /// Has the load that was filled sealed and committed while the next is filled.
    private func start() throws {
        guard !filling.isEmpty else { return }
        if running.count >= Self.width { try settle() }
        let batch = try idle.popLast() ?? makeBatch()
        running.append(BackgroundUpload(of: filling, in: batch, after: running.last))
        filling = UploadLoad()
    }

    /// Waits for the oldest load and tells what came of it; of those behind one that failed, too, which are stored.
    private func settle() throws {
        let upload = running.removeFirst()
        if let error = tell(upload.finish()) {
            for later in running { _ = tell(later.finish()) }
            running = []
            throw error
        }
        idle.append(upload.batch)
    }

    private func tell(_ outcome: UploadWork.Outcome) -> (any Error)? {
        for failure in outcome.failures { onFailure(failure) }
        if let error = outcome.error { return error }
        for file in outcome.stored { onStored(file) }
        return nil
    }

    private func append(_ entry: UploadLoad.Entry, size: Int64 = 0) throws {
        filling.append(entry, size: size)
        guard filling.isFull else { return }
        try start()
        guard Clock.monotonic &- lastPause >= Self.patience else { return }
        try commit()
        usleep(Self.pause)
        lastPause = Clock.monotonic
    }

    private func addDirectory(_ path: FilePath, at target: UploadPath) throws {
        let names: [[UInt8]]
        do {
            names = try DirectoryListing.names(in: path)
        } catch let error as OsnovaError {
            return onFailure(error)
        }
        try append(.change { try $0.saveDirectory(at: target.components) })
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
        default:
            try append(.content(.file(path), name: path.bytes) { _ in target }, size: Int64(status.st_size))
        }
    }

    private func addSymbolicLink(_ path: FilePath, at target: UploadPath) throws {
        let destination: [UInt8]
        do {
            destination = try DirectoryListing.target(of: path)
        } catch let error as OsnovaError {
            return onFailure(error)
        }
        try append(.change { try $0.saveSymbolicLink(at: target.components, target: destination) })
    }
}
