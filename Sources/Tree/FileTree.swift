/// A tree of files that a driver can serve.
///
/// The driver knows only this protocol, so it runs as well over a tree in memory that fails where a test wants it to.
public protocol FileTree: Sendable {
    /// A server for one thread; the driver makes one for each of its threads and keeps it.
    func makeWorker() throws -> any FileTreeWorker

    /// A server for the thread of reads that wait for long: it never throws ``LongRead``.
    ///
    /// - Parameter hasEnded: asked during such a read again and again; once true, nobody waits and the read is to fail.
    func makePatientWorker(until hasEnded: @escaping @Sendable () -> Bool) throws -> any FileTreeWorker

    /// The changes since the last call, oldest first, after waiting at most `seconds` for one.
    ///
    /// To ask again says that the kernel was told of those handed out before.
    /// Called by one thread at a time, never by a thread that serves requests.
    func nextChanges(waitingAtMost seconds: Double) throws -> [TreeChange]

    /// The state of the disk behind the tree.
    func diskUsage() throws -> DiskUsage

    /// Told that the kernel has let go of an inode; `lookups` times it was given by a lookup or a listing before.
    ///
    /// Called for every inode, so it must cost nothing where nothing is held for one.
    func forget(_ inode: UInt64, lookups: UInt64)

    /// Told, after the change was passed on, whether the kernel still holds an inode whose last name is gone.
    func settleRemoved(_ inode: UInt64, isHeld: Bool)

    /// Told, while a mount is served, of the kernel's page cache; nil when it is to get nothing any more, and gets nothing
    /// once this returns.
    func attach(_ cache: (any PageCache)?)

    /// What the driver counts.
    var metrics: DriveMetrics { get }

    /// Told of an error that a program got as EIO, so that its reason is found in a log.
    func report(_ error: any Error, inode: UInt64)
}

/// What one thread needs to serve a tree; used by that thread alone.
///
/// Every function throws ``OsnovaError``, a read ``LongRead`` too; `notFound` becomes ENOENT and `damaged` EIO.
public protocol FileTreeWorker: AnyObject {
    /// The attributes of a name in a directory; nil where there is no such name.
    func lookup(_ name: UnsafeRawBufferPointer, in directory: Inode) throws -> Attributes?

    /// The attributes of an inode; nil where there is none any more.
    func attributes(of inode: Inode) throws -> Attributes?

    /// Calls `visit` with the entries of a directory that follow `cookie`, until it returns false.
    ///
    /// Cookies rise, start above 0, and name the same place in the directory for ever, so entries that come or go
    /// during a listing neither double nor hide others.
    func list(
        _ directory: Inode, after cookie: UInt64,
        _ visit: (_ name: UnsafeRawBufferPointer, Attributes, _ cookie: UInt64) -> Bool
    ) throws

    /// The target of a symbolic link.
    func target(of inode: Inode) throws -> [UInt8]

    /// The content from `offset`, at most `count` bytes and less at the end; valid until this worker's next call.
    func read(_ inode: Inode, at offset: Int64, count: Int) throws -> UnsafeRawBufferPointer

    /// As what the bytes of an inode are counted.
    func contentKind(of inode: Inode) -> ContentKind

    /// Told that an answer is sent: the place for what nobody needs to wait for.
    func settle()

    /// The extended attributes of an inode, by name.
    func extendedAttributes(of inode: Inode) throws -> [(name: String, value: [UInt8])]
}

/// Says that a read has to wait for so long that other requests must not: it is to be made by a patient worker.
public struct LongRead: Error {
    /// Says so.
    public init() {}
}

/// Something that the kernel may hold and that is no longer so.
public enum TreeChange: Sendable, Equatable {
    /// A name came into a directory, or points to another inode.
    case added(directory: UInt64, name: [UInt8])
    /// A name left a directory.
    case removed(directory: UInt64, name: [UInt8], inode: UInt64)
    /// An inode's attributes or content changed.
    case changed(inode: UInt64)
    /// An inode's attributes changed, its content did not.
    case attributes(inode: UInt64)
    /// So much was missed that everything may have changed.
    case everything
}

/// What `statfs` tells.
public struct DiskUsage: Sendable {
    /// Bytes in a block.
    public var blockSize: UInt64
    /// Blocks on the disk.
    public var blocks: UInt64
    /// Blocks that are free.
    public var freeBlocks: UInt64
    /// Blocks that are free for ordinary users.
    public var availableBlocks: UInt64
    /// Inodes of the tree.
    public var files: UInt64
    /// Inodes that the disk can still make.
    public var freeFiles: UInt64

    /// Gathers a disk's figures.
    public init(
        blockSize: UInt64, blocks: UInt64, freeBlocks: UInt64, availableBlocks: UInt64, files: UInt64, freeFiles: UInt64
    ) {
        self.blockSize = blockSize
        self.blocks = blocks
        self.freeBlocks = freeBlocks
        self.availableBlocks = availableBlocks
        self.files = files
        self.freeFiles = freeFiles
    }
}

extension FileTree {
    /// For a tree where no read waits for long.
    public func makePatientWorker(until _: @escaping @Sendable () -> Bool) throws -> any FileTreeWorker {
        try makeWorker()
    }

    /// Holds nothing, so lets go of nothing.
    public func forget(_: UInt64, lookups _: UInt64) {}

    /// Holds nothing, so lets go of nothing.
    public func settleRemoved(_: UInt64, isHeld _: Bool) {}

    /// Fetches nothing before it is asked for.
    public func attach(_: (any PageCache)?) {}
}

extension FileTreeWorker {
    /// The kind that the number alone tells.
    public func contentKind(of inode: Inode) -> ContentKind { ContentKind(inode) }

    /// Left nothing for later.
    public func settle() {}
}
