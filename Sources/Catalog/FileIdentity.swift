internal import Glibc

/// Which file has a path.
struct FileIdentity: Equatable {
    private let device: UInt64
    private let inode: UInt64

    /// Looks at a path; nil where nothing can be seen there.
    init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
    }
}
