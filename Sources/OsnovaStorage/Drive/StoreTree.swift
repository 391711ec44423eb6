internal import Blobs
internal import Catalog
internal import Foundation
internal import Glibc
public import Logging
internal import Primitives
public import Tree

/// A store as a tree of files for a driver.
///
/// `@unchecked Sendable` holds because the change feed is used by one thread at a time, as `FileTree` demands, and the
/// rest is safe by itself.
public final class StoreTree: FileTree, @unchecked Sendable {
    let store: Store
    let openBlobs = OpenBlobs()
    let adoptions = AdoptionDesk()
    let corrections = LengthCorrections()
    /// Tells a restoration that the data root is in use.
    private let rootLock: OwnedDescriptor
    private let feed: ChangeFeed
    private let log: Logger
    private var blobsModified: Int64 = 0

    /// How long another program's change may stay unseen, in seconds.
    private static let pollInterval = 0.1

    /// Makes a tree of an open store, which must have its keys.
    public init(store: Store, log: Logger) throws {
        _ = try store.keys()
        self.store = store
        self.log = log
        rootLock = try RootLock.shared(store.root)
        feed = try ChangeFeed(path: store.root.database)
        // A forgotten change log would otherwise be told to a kernel that has seen nothing yet.
        _ = try feed.hasNews()
    }

    /// Opens a connection to the database and buffers for one thread.
    public func makeWorker() throws -> any FileTreeWorker {
        try StoreTreeWorker(tree: self)
    }

    /// Waits for changes of the tree, whoever wrote them; none after `seconds`.
    public func nextChanges(waitingAtMost seconds: Double) throws -> [TreeChange] {
        let changes = try waitForChanges(atMost: seconds)
        corrections.handOver(changes)
        return changes
    }

    private func waitForChanges(atMost seconds: Double) throws -> [TreeChange] {
        let deadline = Clock.nanoseconds + Int64(seconds * 1e9)
        while true {
            try retryWaitingRowsIfFilesCame()
            if try feed.hasNews() {
                if try feed.hasDirtyRows() { try store.catalog.settle() }
                let changes = try feed.next()
                if !changes.isEmpty { return changes }
            }
            guard Clock.nanoseconds < deadline else { return [] }
            Thread.sleep(forTimeInterval: Self.pollInterval)
        }
    }

    /// A row may name a blob whose file comes later.
    private func retryWaitingRowsIfFilesCame() throws {
        let modified = try store.blobs.modified()
        guard modified != blobsModified else { return }
        try store.catalog.retryWaitingRows()
        blobsModified = modified
    }

    /// Says how full the disk under `blobs/` is.
    public func diskUsage() throws -> DiskUsage {
        var disk = statvfs()
        guard statvfs(store.root.blobs, &disk) == 0 else {
            throw OsnovaError(.inputOutput, "the disk of \(store.root.path) does not answer")
        }
        return DiskUsage(
            blockSize: UInt64(disk.f_frsize), blocks: UInt64(disk.f_blocks), freeBlocks: UInt64(disk.f_bfree),
            availableBlocks: UInt64(disk.f_bavail), files: UInt64(disk.f_files), freeFiles: UInt64(disk.f_ffree))
    }

    /// Notes in the store's log why a read failed; the reader sees EIO alone.
    public func report(_ error: any Error, inode: UInt64) {
        log.error("a read failed", metadata: ["inode": "\(inode)", "reason": "\(error)"])
    }
}
