internal import CFuse
internal import Glibc
internal import Primitives
internal import SystemPackage
internal import Tree

/// A libfuse session: mounted by `init`, unmounted at the latest by `deinit`.
///
/// `@unchecked Sendable` holds because the pointer never changes and libfuse's functions used here may run on any thread;
/// the order of `run`, `sever` and `deinit` is `Mount`'s duty.
final class Session: @unchecked Sendable {
    /// The descriptor through which libfuse and the kernel talk.
    private let handle: OpaquePointer
    private let server: Server
    private let path: String
    /// A pipe that nobody reads, had from the beginning: at the end there may be no descriptor left for one.
    private let nowhere: OwnedDescriptor
    /// `major:minor` of the mount.
    let device: String?

    init(server: Server, at point: MountPoint, options: MountOptions) throws {
        LibraryLog.install()
        _ = LibraryLog.take()
        self.server = server
        path = point.path
        nowhere = try Self.openNowhere()
        handle = try Self.make(server, MountArguments.words(for: point, options))
        guard fuse_session_mount(handle, path) == 0 else {
            fuse_session_destroy(handle)
            throw Self.failure("mounting on \(path)")
        }
        device = try? MountTable.filesystem(at: path)?.device
    }

    deinit {
        fuse_session_unmount(handle)
        fuse_session_destroy(handle)
    }

    private static func make(_ server: Server, _ words: [String]) throws -> OpaquePointer {
        var arguments = fuse_args()
        defer { fuse_opt_free_args(&arguments) }
        for word in words { fuse_opt_add_arg(&arguments, word) }
        var operations = makeOperations()
        let userData = Unmanaged.passUnretained(server).toOpaque()
        let size = MemoryLayout<fuse_lowlevel_ops>.size
        guard let handle = fuse_session_new(&arguments, &operations, size, userData) else {
            throw failure("starting libfuse")
        }
        return handle
    }

    private static func failure(_ doing: String) -> OsnovaError {
        let number = errno
        let said = LibraryLog.take() ?? String(cString: strerror(number))
        let isForbidden = number == EPERM || number == EACCES
        return OsnovaError(isForbidden ? .denied : .unavailable, "\(doing): \(said)")
    }

    /// Serves requests on libfuse's threads until the mount is gone or `exit` and a signal end the loop.
    func run() throws {
        guard let configuration = fuse_loop_cfg_create() else {
            throw OsnovaError(.unavailable, "no memory to serve the mount")
        }
        defer { fuse_loop_cfg_destroy(configuration) }
        let threads = Self.threadCount
        fuse_loop_cfg_set_clone_fd(configuration, 1)
        fuse_loop_cfg_set_max_threads(configuration, threads)
        // Idle threads stay: each has a worker with open files and buffers that would be made anew.
        fuse_loop_cfg_set_idle_threads(configuration, threads)
        guard osnova_session_loop_mt(handle, configuration) >= 0 else { throw Self.failure("serving \(path)") }
    }

    private static var threadCount: UInt32 {
        UInt32(clamping: min(16, max(4, 2 * sysconf(Int32(_SC_NPROCESSORS_ONLN)))))
    }

    /// Makes `run` return when it is next woken.
    func exit() { fuse_session_exit(handle) }

    /// Ends the connection after `run`, so that every program that still waits for an answer gets an error.
    ///
    /// The descriptor's number stays taken: what a late notification writes goes nowhere, and libfuse takes the
    /// descriptor for that of a mount that is gone already.
    func sever() { dup2(nowhere.number, fuse_session_fd(handle)) }

    private static func openNowhere() throws -> OwnedDescriptor {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Errno(rawValue: errno).failure("mounting", kind: .unavailable) }
        close(ends[0])
        _ = fcntl(ends[1], F_SETFD, FD_CLOEXEC)
        return OwnedDescriptor(FileDescriptor(rawValue: ends[1]))
    }

    /// Whether the mount is still in the list of mounts.
    ///
    /// The kernel gives a device number again as soon as its mount is gone, so that the number alone may be that of a
    /// later mount on the same path: ours it is only while our own connection lives.
    var isListed: Bool {
        guard let device, let mounted = try? MountTable.filesystem(at: path) else { return false }
        return mounted.isOwn && mounted.device == device && isConnected
    }

    /// Whether the kernel still sends requests here.
    private var isConnected: Bool {
        var state = pollfd(fd: fuse_session_fd(handle), events: 0, revents: 0)
        return poll(&state, 1, 0) >= 0 && state.revents & Int16(POLLERR) == 0
    }

    /// Unmounts, before `sever`; `lazily` also while programs use the mount.
    func detach(lazily: Bool) throws {
        if isListed { try Unmounting.detach(path, lazily: lazily) }
    }
}

extension Session: Invalidating {
    func dropEntry(_ name: [UInt8], in directory: UInt64) -> Int32 {
        withName(name) { fuse_lowlevel_notify_inval_entry(handle, directory, $0, $1) }
    }

    func deleteEntry(_ name: [UInt8], of child: UInt64, in directory: UInt64) -> Int32 {
        withName(name) { fuse_lowlevel_notify_delete(handle, directory, child, $0, $1) }
    }

    func dropInode(_ inode: UInt64, keepingPages: Bool) -> Int32 {
        fuse_lowlevel_notify_inval_inode(handle, inode, keepingPages ? -1 : 0, 0)
    }

    /// libfuse sends the byte after the name too, and the kernel wants it to be NUL.
    private func withName(_ name: [UInt8], _ body: (UnsafePointer<CChar>?, Int) -> Int32) -> Int32 {
        (name + [0]).withUnsafeBytes { body($0.baseAddress?.assumingMemoryBound(to: CChar.self), name.count) }
    }
}

extension Session: PageCache {
    func store(_ content: UnsafeRawBufferPointer, of inode: UInt64) -> Bool {
        var vector = fuse_bufvec()
        vector.count = 1
        vector.buf.size = content.count
        vector.buf.mem = UnsafeMutableRawPointer(mutating: content.baseAddress)
        return fuse_lowlevel_notify_store(handle, inode, 0, &vector, FUSE_BUF_NO_SPLICE) == 0
    }
}
