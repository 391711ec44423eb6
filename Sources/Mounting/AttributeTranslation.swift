internal import CFuse
internal import Glibc
internal import Primitives
internal import Tree

/// Makes `struct stat` of a tree's attributes for one mount.
struct AttributeTranslation: Sendable {
    /// How long the kernel may keep names and attributes, in seconds: changes are pushed (`ChangePush`).
    private static let day = 86400.0
    /// What programs take as the size of their read buffer, in bytes.
    static let preferredReadSize = 128 << 10

    private let user: uid_t
    private let group: gid_t
    private let umask: mode_t

    init(_ options: MountOptions) {
        user = options.user
        group = options.group
        umask = options.umask
    }

    func status(_ attributes: Attributes) -> stat {
        var status = stat()
        let size = off_t(max(0, attributes.size))
        status.st_ino = ino_t(attributes.shownInode)
        status.st_mode = mode(of: attributes)
        status.st_nlink = nlink_t(attributes.links)
        status.st_uid = user
        status.st_gid = group
        status.st_size = size
        // Never 0 for content: `tar --sparse` would take it for one hole.
        status.st_blocks = size / 512 + (size % 512 == 0 ? 0 : 1)
        status.st_blksize = Self.preferredReadSize
        status.st_mtim = Self.time(attributes.modified)
        status.st_atim = status.st_mtim
        status.st_ctim = Self.time(attributes.changed)
        return status
    }

    /// What a lookup answers; the kernel keeps it until it is told otherwise.
    func entry(_ attributes: Attributes) -> fuse_entry_param {
        fuse_entry_param(
            ino: attributes.inode, generation: 0, attr: status(attributes),
            attr_timeout: Self.validity(attributes.lifetime), entry_timeout: Self.validity(attributes.nameLifetime))
    }

    /// Seconds.
    static func validity(_ lifetime: Attributes.Lifetime) -> Double {
        switch lifetime {
        case .told: day
        case .unknown: 0
        }
    }

    private func mode(of attributes: Attributes) -> mode_t {
        let granted = mode_t(attributes.permissions ?? 0o777) & ~umask
        return switch attributes.kind {
        case .directory: S_IFDIR | 0o555 & granted
        case .file: S_IFREG | 0o444 & granted
        case .program: S_IFREG | 0o555 & granted
        case .symbolicLink: S_IFLNK | 0o777
        }
    }

    /// libfuse's headers bring a `timespec` of their own, which has no initializer of ours.
    private static func time(_ nanoseconds: Int64) -> timespec {
        let (seconds, rest) = Clock.split(nanoseconds)
        return timespec(tv_sec: seconds, tv_nsec: rest)
    }
}
