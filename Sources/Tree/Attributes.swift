/// What `stat` shows of an inode.
public struct Attributes: Sendable, Equatable {
    /// The kinds of file that the mount has.
    public enum Kind: Sendable {
        case directory
        case file
        /// A file that is a program, so that it can be run from the mount.
        case program
        case symbolicLink
    }

    /// The inode's number.
    public var inode: UInt64
    /// What it is.
    public var kind: Kind
    /// Bytes.
    public var size: Int64
    /// Names of the inode.
    public var links: UInt32
    /// Unix time of the last change of content, in nanoseconds.
    public var modified: Int64
    /// Unix time of the last change of attributes, in nanoseconds.
    public var changed: Int64

    /// Gathers the attributes of an inode.
    public init(inode: Inode, kind: Kind, size: Int64, links: UInt32 = 1, modified: Int64, changed: Int64) {
        self.inode = inode.number
        self.kind = kind
        self.size = size
        self.links = links
        self.modified = modified
        self.changed = changed
    }
}
