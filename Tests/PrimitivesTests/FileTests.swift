import Foundation
import Glibc
import Primitives
import SystemPackage
import TestSupport
import Testing

/// The typed system calls, on real files.
@Suite struct FileTests {
    private let folder: TemporaryFolder
    private let directory: OwnedDescriptor

    init() throws {
        folder = try TemporaryFolder()
        directory = try SystemCalls.open(folder.url.path, O_RDONLY | O_DIRECTORY)
    }

    @Test func `what is written is read, at any offset`() throws {
        let content = [UInt8](noise(100_000, seed: 1))
        let file = try SystemCalls.open(at: directory, "f", O_RDWR | O_CREAT)
        try content.withUnsafeBytes { try SystemCalls.write(file, $0) }
        #expect(try SystemCalls.status(of: file).size == 100_000)
        for (offset, count) in [(0, 10), (99_990, 10), (50_000, 50_000), (99_999, 100), (100_000, 1), (1 << 40, 1)] {
            var read = [UInt8](repeating: 0, count: count)
            let got = try read.withUnsafeMutableBytes { try SystemCalls.read(file, into: $0, at: Int64(offset)) }
            #expect(Array(read.prefix(got)) == Array(content.dropFirst(offset).prefix(count)))
        }
    }

    @Test func `a stream that does not block is read to its end`() throws {
        var ends: [CInt] = [0, 0]
        try #require(pipe(&ends) == 0)
        let (input, output) = (ends[0], ends[1])
        let stream = OwnedDescriptor(FileDescriptor(rawValue: input))
        try #require(fcntl(input, F_SETFL, O_NONBLOCK) == 0)
        #expect(write(output, "a", 1) == 1)
        let writer = try JoinableThread {
            // What follows comes when the first byte was taken, and the reader found nothing more.
            var waiting: CInt = 1
            while waiting > 0, ioctl(output, UInt(FIONREAD), &waiting) == 0 {}
            _ = write(output, "b", 1)
            close(output)
        }
        var read: [UInt8] = [0, 0, 0]
        let count = try read.withUnsafeMutableBytes { try SystemCalls.readStream(stream, into: $0) }
        writer.join()
        #expect(count == 2 && read == [0x61, 0x62, 0])
    }

    @Test func `a file has the mode that was asked for, and closes on exec`() throws {
        let file = try SystemCalls.open(at: directory, "f", O_RDWR | O_CREAT, mode: 0o600)
        let status = try SystemCalls.status(of: file)
        #expect(status.mode & 0o777 == 0o600 && status.type == S_IFREG)
        #expect(fcntl(file.number, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test(arguments: [(0, 0), (1, 999_999_999), (-1, 1), (-9_223_372_036, 145_224_193), (9_223_372_036, 854_775_807)])
    func `a time is its nanoseconds, before 1970 too`(seconds: Int, nanoseconds: Int) {
        let time = timespec(nanoseconds: timespec(tv_sec: seconds, tv_nsec: nanoseconds).nanoseconds)
        #expect(time.tv_sec == seconds && time.tv_nsec == nanoseconds)
    }

    @Test func `a time that does not fit is the earliest or the latest that does`() {
        for seconds in [9_223_372_037, 10_413_792_000, Int.max] {
            #expect(timespec(tv_sec: seconds, tv_nsec: 0).nanoseconds == .max)
            #expect(timespec(tv_sec: -seconds, tv_nsec: 0).nanoseconds == .min)
        }
        #expect(timespec(tv_sec: .min, tv_nsec: 0).nanoseconds == .min)
    }

    @Test func `what a process lacks is not said of the file`() {
        for lacking in [Errno.tooManyOpenFiles, .tooManyOpenFilesInSystem, .noMemory] {
            #expect(lacking.failure("opening f").kind == .unavailable)
        }
        #expect(Errno.ioError.failure("opening f").kind == .inputOutput)
    }

    @Test func `keeping a name keeps it, replacing takes it`() throws {
        for name in ["old", "new"] { try folder.write(name, Data(name.utf8)) }
        #expect(throws: Errno.fileExists) { try SystemCalls.renameKeeping(at: directory, "old", to: "new") }
        #expect(try folder.names() == ["new", "old"])
        try SystemCalls.rename(at: directory, "old", to: "new")
        #expect(try Data(contentsOf: folder.url.appendingPathComponent("new")) == Data("old".utf8))
        try SystemCalls.renameKeeping(at: directory, "new", to: "third")
        #expect(try folder.names() == ["third"])
    }

    @Test func `a link's status is the link's, and it is not opened where that is not wanted`() throws {
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("link"), withDestinationPath: "/etc/hostname")
        #expect(try SystemCalls.status(at: directory, "link").type == S_IFLNK)
        #expect(throws: Errno.tooManySymbolicLinkLevels) {
            try SystemCalls.open(at: directory, "link", O_RDONLY | O_NOFOLLOW)
        }
    }

    @Test func `a lock is one process's or one open file's`() throws {
        try folder.write("f", Data())
        let first = try SystemCalls.open(at: directory, "f", O_RDONLY)
        let second = try SystemCalls.open(at: directory, "f", O_RDONLY)
        #expect(try SystemCalls.tryLock(first))
        #expect(try !SystemCalls.tryLock(second) && !SystemCalls.tryLockShared(second))
    }

    @Test func `a lock that cannot be had at all is an error, not somebody else's`() throws {
        let withoutUse: CInt = 0o10_000_000
        let named = try SystemCalls.open(folder.url.path, withoutUse)
        #expect(throws: Errno.badFileDescriptor) { try SystemCalls.tryLock(named) }
        #expect(throws: Errno.badFileDescriptor) { try SystemCalls.tryLockShared(named) }
    }

    @Test func `a descriptor closes with its last reference`() throws {
        var file: OwnedDescriptor? = try SystemCalls.open(at: directory, "f", O_RDWR | O_CREAT)
        let number = try #require(file).number
        let target = "/proc/self/fd/\(number)"
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: target) == folder.path("f"))
        file = nil
        let now = try? FileManager.default.destinationOfSymbolicLink(atPath: target)
        #expect(now != folder.path("f"))
    }

    @Test func `an errno is told as what it means for the caller`() {
        let kinds: [(Errno, OsnovaError.Kind)] = [
            (.noSuchFileOrDirectory, .notFound), (.notDirectory, .notFound), (.permissionDenied, .denied),
            (.notPermitted, .denied), (.resourceBusy, .busy), (.ioError, .inputOutput), (.noSpace, .inputOutput),
        ]
        for (number, kind) in kinds {
            let error = number.failure("doing x")
            #expect(error.kind == kind && error.message.hasPrefix("doing x: "))
        }
        #expect(Errno.ioError.failure("x", kind: .cannotCreate).kind == .cannotCreate)
    }
}
