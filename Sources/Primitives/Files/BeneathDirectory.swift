internal import CLinux
public import Glibc
public import SystemPackage

/// A directory whose files are opened by paths that cannot lead out of it, whatever links say.
///
/// Paths and names are bytes. Only regular files and directories are ever opened: a device, a FIFO or a socket is looked
/// at through a descriptor that touches nothing (`O_PATH`).
public struct BeneathDirectory: Sendable {
    /// What is known of a file without opening it.
    public struct Look: Sendable {
        /// The type and permission bits.
        public let mode: mode_t
        /// Its names.
        public let links: UInt32
        /// Bytes.
        public let size: Int64
        /// The number on its disk.
        public let inode: UInt64
        /// Unix time of the last change of content, in nanoseconds.
        public let modified: Int64
        /// Unix time of the last change of content or attributes, in nanoseconds.
        public let changed: Int64
        /// Unix time of its making, in nanoseconds; 0 where the disk does not say.
        public let born: Int64

        /// The type bits of the mode (`S_IFREG`, `S_IFDIR`, …).
        public var type: mode_t { mode & S_IFMT }

        init(_ file: osnova_file) {
            mode = mode_t(file.mode)
            links = file.links
            size = Int64(clamping: file.size)
            inode = file.inode
            modified = file.modified
            changed = file.changed
            born = file.born
        }
    }

    /// `O_PATH`, which glibc hides as well.
    private static let pathOnly: CInt = 0o10000000

    private let directory: OwnedDescriptor

    /// Opens a directory; `path` itself may go through links.
    public init(path: String) throws(Errno) {
        directory = try SystemCalls.open(path, O_RDONLY | O_DIRECTORY)
    }

    private init(_ directory: OwnedDescriptor) {
        self.directory = directory
    }

    /// Looks at what a path names; a link is looked at itself.
    public func look(at path: [UInt8]) throws(Errno) -> Look {
        try Self.look(at: place(path, Self.pathOnly | O_NOFOLLOW))
    }

    /// Looks at a name of the directory itself, without following a link.
    public func look(atName name: UnsafeRawBufferPointer) throws(Errno) -> Look {
        var file = osnova_file()
        let failure = Self.withPath(name) { osnova_look(directory.number, $0, &file) < 0 ? errno : 0 }
        guard failure == 0 else { throw Errno(rawValue: failure) }
        return Look(file)
    }

    /// Opens a directory below.
    public func directory(at path: [UInt8]) throws(Errno) -> BeneathDirectory {
        BeneathDirectory(try place(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
    }

    /// Looks at the directory itself.
    public func look() throws(Errno) -> Look { try Self.look(at: directory) }

    /// Opens a regular file for reading and looks at it; ELOOP for a link, ENXIO for what must not be opened.
    public func file(at path: [UInt8]) throws(Errno) -> (file: OwnedDescriptor, look: Look) {
        let handle = try place(path, Self.pathOnly | O_NOFOLLOW)
        let look = try Self.look(at: handle)
        guard look.type == S_IFREG else {
            throw look.type == S_IFLNK ? .tooManySymbolicLinkLevels : .noSuchAddressOrDevice
        }
        let opened = try SystemCalls.open("/proc/self/fd/\(handle.number)", O_RDONLY)
        return withExtendedLifetime(handle) { (opened, look) }
    }

    /// Looks at an open file.
    public static func look(at file: OwnedDescriptor) throws(Errno) -> Look {
        var found = osnova_file()
        let failure = "".withCString { osnova_look(file.number, $0, &found) < 0 ? errno : 0 }
        guard failure == 0 else { throw Errno(rawValue: failure) }
        return Look(found)
    }

    /// Looks at a file without opening it, wherever its path leads; a link at the end is looked at itself.
    public static func look(atPath path: String) throws(Errno) -> Look {
        var found = osnova_file()
        let failure = path.withCString { osnova_look(AT_FDCWD, $0, &found) < 0 ? errno : 0 }
        guard failure == 0 else { throw Errno(rawValue: failure) }
        return Look(found)
    }

    /// Where a symbolic link points.
    public func target(at path: [UInt8]) throws(Errno) -> [UInt8] {
        let handle = try place(path, Self.pathOnly | O_NOFOLLOW)
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlinkat(handle.number, "", &buffer, buffer.count)
        let failure = errno
        guard count >= 0 else { throw Errno(rawValue: failure) }
        return withExtendedLifetime(handle) { buffer.prefix(count).map { UInt8(bitPattern: $0) } }
    }

    /// Calls `visit` with each name of the directory but `.` and `..`, in no order, until it returns false.
    public func scan(_ visit: (UnsafeRawBufferPointer) throws -> Bool) throws {
        let copy = openat(directory.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let stream = fdopendir(copy) else { throw Errno(rawValue: errno) }
        defer { closedir(stream) }
        errno = 0
        while let entry = readdir(stream) {
            let goesOn = try withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                let name = UnsafeRawBufferPointer(rebasing: bytes.prefix { $0 != 0 })
                let isOwn = name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8)
                return try isOwn || visit(name)
            }
            if !goesOn { return }
            errno = 0
        }
        guard errno == 0 else { throw Errno(rawValue: errno) }
    }

    private func place(_ path: [UInt8], _ flags: CInt) throws(Errno) -> OwnedDescriptor {
        let result = path.withUnsafeBytes { bytes in
            Self.withPath(bytes) { start in
                while true {
                    let number = osnova_open_beneath(directory.number, start, UInt64(flags | O_CLOEXEC))
                    // EAGAIN: something was renamed while the path was followed, so that nothing could be promised.
                    if number >= 0 || (errno != EINTR && errno != EAGAIN) { return number < 0 ? -errno : number }
                }
            }
        }
        guard result >= 0 else { throw Errno(rawValue: -result) }
        return OwnedDescriptor(FileDescriptor(rawValue: result))
    }

    /// A path with the NUL that system calls want; ENAMETOOLONG is the kernel's to say.
    private static func withPath(_ bytes: UnsafeRawBufferPointer, _ body: (UnsafePointer<CChar>) -> Int32) -> Int32 {
        (Array(bytes) + [0]).withUnsafeBytes { terminated in
            terminated.baseAddress.map { body($0.assumingMemoryBound(to: CChar.self)) } ?? EINVAL
        }
    }
}
