internal import CLinux
public import Glibc
public import SystemPackage

/// The system calls that swift-system does not have, each typed, retried after EINTR, and relative to an open directory.
///
/// They take the object, not its number: the optimiser may close a descriptor after the last use of its object, which
/// would be before a call that was given the number.
public enum SystemCalls {
    /// What `fstat` tells of a file and this project uses.
    public struct Status: Sendable, Equatable {
        /// Bytes.
        public let size: Int64
        /// The type and permission bits.
        public let mode: mode_t
        /// The user whose file it is.
        public let owner: UInt32
        /// Hard links; 0 for an open file that was removed.
        public let links: UInt64
        /// Unix time of the last change of content, in nanoseconds.
        public let modified: Int64
        /// Unix time of the last change of content or attributes, in nanoseconds.
        public let changed: Int64
        /// The number of the file on its disk.
        public let inode: UInt64
        /// The number of the disk.
        public let device: UInt64

        init(_ status: stat) {
            size = Int64(status.st_size)
            mode = status.st_mode
            owner = status.st_uid
            links = UInt64(status.st_nlink)
            modified = status.st_mtim.nanoseconds
            changed = status.st_ctim.nanoseconds
            inode = UInt64(status.st_ino)
            device = UInt64(status.st_dev)
        }

        /// Whether both are of one file, whatever became of it in between.
        public func isSameFile(as other: Status) -> Bool { inode == other.inode && device == other.device }

        /// The type bits of the mode (`S_IFREG`, `S_IFDIR`, …).
        public var type: mode_t { mode & S_IFMT }
    }

    /// `openat(2)`, always close-on-exec; relative to the working directory without `directory`.
    public static func open(
        at directory: OwnedDescriptor? = nil, _ name: String, _ flags: CInt, mode: mode_t = 0o600
    ) throws(Errno) -> OwnedDescriptor {
        if flags & O_CREAT != 0 { CrashPoint.pass() }
        let base = directory?.number ?? AT_FDCWD
        let number = try retrying { name.withCString { osOpen(base, $0, flags | O_CLOEXEC, mode) } }
        return withExtendedLifetime(directory) { OwnedDescriptor(FileDescriptor(rawValue: number)) }
    }

    /// Whether an error says that what was to be opened is no file: O_NOFOLLOW says so of a link, Linux of a socket.
    public static func tellsNoFile(_ error: Errno) -> Bool {
        [.tooManySymbolicLinkLevels, .noSuchAddressOrDevice].contains(error)
    }

    /// `fstat(2)`.
    public static func status(of file: OwnedDescriptor) throws(Errno) -> Status {
        var result = stat()
        _ = try retrying { fstat(file.number, &result) }
        return Status(result)
    }

    /// `fstatat(2)`; a link is looked at itself unless it is to be followed; relative to the working directory without
    /// `directory`.
    public static func status(
        at directory: OwnedDescriptor? = nil, _ name: String, followingLinks: Bool = false
    ) throws(Errno) -> Status {
        var result = stat()
        let base = directory?.number ?? AT_FDCWD
        let flags = followingLinks ? 0 : AT_SYMLINK_NOFOLLOW
        _ = try retrying { name.withCString { fstatat(base, $0, &result, flags) } }
        return withExtendedLifetime(directory) { Status(result) }
    }

    /// `pread(2)` until `bytes` is full or the file ends; the number of bytes read.
    public static func read(_ file: OwnedDescriptor, into bytes: UnsafeMutableRawBufferPointer, at offset: Int64)
        throws(Errno)
        -> Int
    {
        var filled = 0
        while filled < bytes.count {
            let start = bytes.baseAddress?.advanced(by: filled)
            let count = pread(file.number, start, bytes.count - filled, off_t(offset) + off_t(filled))
            if count < 0 {
                if errno == EINTR { continue }
                throw Errno(rawValue: errno)
            }
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    /// `read(2)` until `bytes` is full or the stream ends; waits where a stream that does not block has nothing for now.
    ///
    /// - Returns: the number of bytes read.
    public static func readStream(_ file: OwnedDescriptor, into bytes: UnsafeMutableRawBufferPointer) throws(Errno)
        -> Int
    {
        var filled = 0
        while filled < bytes.count {
            let count = Glibc.read(file.number, bytes.baseAddress?.advanced(by: filled), bytes.count - filled)
            if count < 0 {
                if errno == EINTR { continue }
                guard errno == EAGAIN else { throw Errno(rawValue: errno) }
                wait(for: POLLIN, on: file.number)
                continue
            }
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    /// `write(2)` until all bytes are written; waits where a stream that does not block takes no more for now.
    public static func write(_ file: OwnedDescriptor, _ bytes: UnsafeRawBufferPointer) throws(Errno) {
        CrashPoint.pass()
        var written = 0
        while written < bytes.count {
            let count = Glibc.write(file.number, bytes.baseAddress?.advanced(by: written), bytes.count - written)
            if count < 0 {
                if errno == EINTR { continue }
                guard errno == EAGAIN else { throw Errno(rawValue: errno) }
                waitUntilWritable(file.number)
                continue
            }
            written += count
        }
    }

    /// `poll(2)` until a stream takes bytes, or would tell why it does not.
    public static func waitUntilWritable(_ number: CInt) {
        wait(for: POLLOUT, on: number)
    }

    private static func wait(for event: CInt, on number: CInt) {
        var state = pollfd(fd: number, events: Int16(event), revents: 0)
        while poll(&state, 1, -1) < 0 && errno == EINTR {}
    }

    /// `pwrite(2)` until all bytes are written.
    public static func write(_ file: OwnedDescriptor, _ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Errno) {
        CrashPoint.pass()
        var written = 0
        while written < bytes.count {
            let start = bytes.baseAddress?.advanced(by: written)
            let count = pwrite(file.number, start, bytes.count - written, off_t(offset) + off_t(written))
            if count < 0 {
                if errno == EINTR { continue }
                throw Errno(rawValue: errno)
            }
            written += count
        }
    }

    /// Has the kernel begin to write a part of a file to its disk; nothing is promised, so nothing can fail.
    public static func startWriting(_ file: OwnedDescriptor, from offset: Int64, count: Int64) {
        _ = osnova_start_writing(file.number, offset, count)
    }

    /// How many files this process may have open, after the limit was raised as far as the system lets it, at most to
    /// `wanted`.
    @discardableResult
    public static func raiseOpenFileLimit(to wanted: Int = 0) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 256 }
        let raised = min(rlim_t(clamping: wanted), limit.rlim_max)
        if raised > limit.rlim_cur {
            let before = limit.rlim_cur
            limit.rlim_cur = raised
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 { limit.rlim_cur = before }
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// Makes room for so many descriptors, as far as the system lets this process have them; before it has threads.
    ///
    /// The kernel makes room for 64, and then for twice as many each time. Where threads share the table, whoever opens the
    /// file that does not fit waits until every processor has left the old one (`expand_fdtable` in fs/file.c): 13 ms.
    public static func reserveDescriptors(_ wanted: Int) {
        let count = min(wanted, raiseOpenFileLimit(to: wanted))
        let last = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, CInt(clamping: count - 1))
        if last >= 0 { close(last) }
    }

    /// `fsync(2)`.
    public static func synchronize(_ file: OwnedDescriptor) throws(Errno) {
        CrashPoint.pass()
        _ = try retrying { fsync(file.number) }
    }

    /// `syncfs(2)`: everything written to the disk that holds `file`.
    public static func synchronizeDisk(of file: OwnedDescriptor) throws(Errno) {
        CrashPoint.pass()
        _ = try retrying { osnova_syncfs(file.number) }
    }

    /// Moves a file within a directory, replacing what has the new name.
    public static func rename(at directory: OwnedDescriptor, _ old: String, to new: String) throws(Errno) {
        CrashPoint.pass()
        _ = try retrying { renameat(directory.number, old, directory.number, new) }
    }

    /// Moves a file within a directory, or to another of the same disk, unless the new name exists (EEXIST); atomic on
    /// every disk that has hard links.
    public static func renameKeeping(
        at directory: OwnedDescriptor, _ old: String, to new: String, in other: OwnedDescriptor? = nil
    ) throws(Errno) {
        CrashPoint.pass()
        let target = other ?? directory
        do {
            _ = try retrying { osnova_rename_keeping(directory.number, old, target.number, new) }
        } catch {
            guard error == .invalidArgument else { throw error }
            _ = try retrying { linkat(directory.number, old, target.number, new, 0) }
            _ = try retrying { unlinkat(directory.number, old, 0) }
        }
    }

    /// Gives a file a second name in its directory; a name that exists is an error (EEXIST).
    public static func link(at directory: OwnedDescriptor, _ name: String, as second: String) throws(Errno) {
        CrashPoint.pass()
        _ = try retrying { linkat(directory.number, name, directory.number, second, 0) }
    }

    /// Lets two names of a directory change places, in one step.
    public static func exchange(at directory: OwnedDescriptor, _ one: String, _ other: String) throws(Errno) {
        CrashPoint.pass()
        _ = try retrying { osnova_rename_exchange(directory.number, one, other) }
    }

    /// `unlinkat(2)` of a file.
    public static func remove(at directory: OwnedDescriptor, _ name: String) throws(Errno) {
        CrashPoint.pass()
        _ = try retrying { unlinkat(directory.number, name, 0) }
    }

    /// `mkdirat(2)` with mode 0700; an existing directory is no error.
    public static func makeDirectory(at directory: OwnedDescriptor, _ name: String) throws(Errno) {
        CrashPoint.pass()
        do {
            _ = try retrying { mkdirat(directory.number, name, 0o700) }
        } catch .fileExists {}
    }

    /// Takes the exclusive `flock(2)` of an open file; false where another holds it.
    public static func tryLock(_ file: OwnedDescriptor) throws(Errno) -> Bool { try tryLock(file, LOCK_EX) }

    /// Takes the shared `flock(2)` of an open file; false where another holds the exclusive one.
    public static func tryLockShared(_ file: OwnedDescriptor) throws(Errno) -> Bool { try tryLock(file, LOCK_SH) }

    private static func tryLock(_ file: OwnedDescriptor, _ kind: CInt) throws(Errno) -> Bool {
        do {
            _ = try retrying { flock(file.number, kind | LOCK_NB) }
            return true
        } catch .wouldBlock {
            return false
        }
    }

    /// Waits for the exclusive `flock(2)` of an open file; it ends with the file.
    public static func lock(_ file: OwnedDescriptor) throws(Errno) {
        _ = try retrying { flock(file.number, LOCK_EX) }
    }

    /// Takes the shared `flock(2)` of an open file; waits while another holds the exclusive one.
    public static func lockShared(_ file: OwnedDescriptor) throws(Errno) {
        _ = try retrying { flock(file.number, LOCK_SH) }
    }

    /// Closes every descriptor from `first` on, whoever opened it: for a process that starts a life of its own.
    public static func closeAll(from first: CInt) {
        _ = osnova_close_from(UInt32(bitPattern: first))
    }

    /// Gives the calling thread, and with it a process of one thread, the name that `ps` shows; at most 15 bytes.
    public static func nameProcess(_ name: String) {
        _ = osnova_set_name(name)
    }

    private static func retrying(_ call: () -> CInt) throws(Errno) -> CInt {
        while true {
            let result = call()
            if result >= 0 { return result }
            if errno != EINTR { throw Errno(rawValue: errno) }
        }
    }
}

/// `openat` is variadic in C and imported under a name that a member called `open` would hide.
private func osOpen(_ directory: CInt, _ name: UnsafePointer<CChar>, _ flags: CInt, _ mode: mode_t) -> CInt {
    openat(directory, name, flags, mode)
}

extension Errno {
    /// This errno with its file, as an error of the project.
    public func failure(_ doing: String, kind: OsnovaError.Kind? = nil) -> OsnovaError {
        let suited: OsnovaError.Kind =
            switch self {
            case .noSuchFileOrDirectory, .notDirectory: .notFound
            case .permissionDenied, .notPermitted: .denied
            case .resourceBusy, .textFileBusy, .wouldBlock: .busy
            // They tell of this process or machine, and nothing of the file, which must not be taken for damaged.
            case .tooManyOpenFiles, .tooManyOpenFilesInSystem, .noMemory: .unavailable
            default: .inputOutput
            }
        let advice =
            switch self {
            case .noSpace, .diskQuotaExceeded: ": make room and try again"
            case .noLocks: ": its disk keeps no file locks: mount it so that it does, or use another one"
            default: ""
            }
        return OsnovaError(kind ?? suited, "\(doing): \(self)\(advice)")
    }
}
