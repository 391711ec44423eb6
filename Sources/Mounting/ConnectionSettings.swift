internal import CFuse

/// What is agreed with the kernel when a mount starts.
enum ConnectionSettings {
    /// The most that the kernel asks for in one read, in bytes; also a mount option, or the kernel refuses the connection.
    ///
    /// What is read ahead comes in several requests, so that several cores verify and decrypt it at once: measured
    /// faster than requests of 1 MiB, whose answers one thread makes (`docs/performance.md`).
    static let largestRead: UInt32 = 256 << 10
    /// Read-ahead requests that may wait at the same time: a file that is verified for long holds eight (``LongReads``), and
    /// where all are taken nothing is read ahead.
    private static let waitingReads: UInt32 = 256

    private static let wanted =
        FUSE_CAP_ASYNC_READ | FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_READDIRPLUS | FUSE_CAP_CACHE_SYMLINKS
        | FUSE_CAP_AUTO_INVAL_DATA
    /// Replies come from memory that is used again at once, so its pages cannot be given away; which entries get
    /// attributes is decided by `ListingAdvice`, not by the kernel.
    private static let unwanted =
        FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE

    static func apply(to connection: inout fuse_conn_info) {
        connection.want |= UInt32(bitPattern: wanted) & connection.capable
        connection.want &= ~UInt32(bitPattern: unwanted)
        connection.max_read = largestRead
        // The kernel takes the size of its reads from here, though nothing is ever written.
        connection.max_write = largestRead
        connection.max_background = waitingReads
        connection.congestion_threshold = waitingReads / 4 * 3
        connection.time_gran = 1
    }
}
