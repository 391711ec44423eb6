internal import Glibc
internal import Primitives
internal import SystemPackage

/// A file of a data root that keeps a little of its disk, so that a full one can be read and cleaned up.
///
/// SQLite makes a file beside a database when it is opened, and writes more before a row is gone: on a full disk nothing could
/// be listed, and least of all could run what makes room. Whoever opens a store or removes something there gives this
/// file up; nothing is stored before it is made again.
struct DiskReserve {
    static let name = "reserve"
    /// Bytes of the file: enough to open the databases and to remove a few rows at a time.
    static let size = 1 << 20
    /// Bytes that what SQLite maps may take when a database is opened.
    private static let mapped: off_t = 128 << 10

    /// For who wonders what it is.
    private static let text = "osnovafs gives this file up to remove something when its disk is full.\n"

    private let root: DataRoot

    init(_ root: DataRoot) { self.root = root }

    /// Makes the file where it is missing, and whole where it is not.
    ///
    /// A disk that cannot set room aside has none set aside.
    ///
    /// - Throws: `inputOutput` for a full disk.
    func make() throws {
        guard !isMade, mayBeMade else { return }
        // A FIFO of that name would have this wait for who reads it; and a disk without fallocate is read first.
        let file = try? FileDescriptor.open(
            path, .readWrite, options: [.create, .noFollow, .nonBlocking, .closeOnExec], permissions: .ownerReadWrite)
        guard let file else { return }
        defer { try? file.close() }
        guard Self.isOwn(file) else { return }
        let failure = Errno(rawValue: posix_fallocate(file.rawValue, 0, off_t(Self.size)))
        _ = try? file.writeAll(toAbsoluteOffset: 0, Self.text.utf8)
        guard failure == .noSpace || failure == .diskQuotaExceeded else { return }
        unlink(path)
        throw OsnovaError(
            .inputOutput, "no space left on the disk of \(root.path): make room, as with 'osnovafs gc', and try again")
    }

    /// Gives the file up where the disk is full, before SQLite comes to that.
    ///
    /// SQLite maps the `-shm` file of a database, of which a disk with blocks smaller than its pages has only some: where the
    /// others find no room, no call fails that could be tried again, but SIGBUS ends the process.
    func releaseIfFull() {
        var disk = statvfs()
        guard statvfs(root.path, &disk) == 0, disk.f_bavail <= UInt(Self.size) / max(1, disk.f_frsize) else { return }
        // Root may have room that is kept for it, and that nothing tells of.
        if let directory = try? root.open(), let file = try? SystemCalls.openUnnamed(in: directory),
            posix_fallocate(file.number, 0, Self.mapped) == 0
        {
            return
        }
        release()
    }

    /// Gives the file up; whether it was there.
    ///
    /// What else has the name is somebody's, and stays.
    @discardableResult
    func release() -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0, Self.isPlain(status), status.st_size == Self.size else { return false }
        return unlink(path) == 0
    }

    /// Runs `body`; where a disk fails it, once more with the room of the file.
    func lend<Result>(to body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as OsnovaError where error.kind == .inputOutput {
            guard release() else { throw error }
            return try body()
        }
    }

    private var path: String { "\(root.path)/\(Self.name)" }

    /// A copy of a data root may have a file of the size that keeps nothing: `rsync --sparse` leaves holes.
    private var isMade: Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_size >= Self.size && Int(status.st_blocks) * 512 >= Self.size
    }

    /// Whether this process may write files of the size (`ulimit -f`): who tries all the same is ended by SIGXFSZ.
    private var mayBeMade: Bool {
        var limit = rlimit()
        return getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 && limit.rlim_cur >= UInt(Self.size)
    }

    /// Whether it is a file, and none that has another name too, by which it is somebody's.
    private static func isPlain(_ status: stat) -> Bool { status.st_mode & S_IFMT == S_IFREG && status.st_nlink == 1 }

    /// Whether it begins as ours does, which after a power cut may be with zeros.
    private static func isOwn(_ file: FileDescriptor) -> Bool {
        var status = stat()
        guard fstat(file.rawValue, &status) == 0, isPlain(status) else { return false }
        var head = [UInt8](repeating: 0, count: text.utf8.count)
        let count = head.withUnsafeMutableBytes { pread(file.rawValue, $0.baseAddress, $0.count, 0) }
        let found = head.prefix(max(0, count))
        return found.elementsEqual(text.utf8.prefix(found.count)) || found.allSatisfy { $0 == 0 }
    }
}
