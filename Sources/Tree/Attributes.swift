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

    /// How long the kernel may keep attributes and names without asking again.
    public enum Lifetime: Sendable {
        /// For good: a change is told (`TreeChange`).
        case told
        /// Not at all: nobody tells when such a file changes.
        case unknown
    }

    /// The number by which the kernel knows the inode.
    public var inode: UInt64
    /// The number that programs see; the same as `inode` unless two states of one file are held at the same time.
    public var shownInode: UInt64
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
    /// Permission bits that the mount narrows further; nil for what a kind of file usually has.
    public var permissions: UInt32?
    /// How long the name may be kept.
    public var nameLifetime = Lifetime.told
    /// How long the attributes may be kept.
    public var lifetime = Lifetime.told
    /// Whether a listing tells only number and kind, because the rest would first have to be made.
    public var isOutline = false

    /// Gathers the attributes of an inode.
    public init(inode: Inode, kind: Kind, size: Int64, links: UInt32 = 1, modified: Int64, changed: Int64) {
        self.inode = inode.number
        shownInode = inode.number
        self.kind = kind
        self.size = size
        self.links = links
        self.modified = modified
        self.changed = changed
    }
}
