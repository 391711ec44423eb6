import Glibc
import Primitives
import Testing
import Tree

@testable import Mounting

@Suite struct TranslationTests {
    private func status(_ attributes: Attributes, umask: UInt32 = 0) -> stat {
        var options = MountOptions()
        (options.user, options.group, options.umask) = (7, 8, umask)
        return AttributeTranslation(options).status(attributes)
    }

    private func file(size: Int64 = 0, time: Int64 = 0, kind: Attributes.Kind = .file) -> Attributes {
        Attributes(inode: .blob(9), kind: kind, size: size, links: 3, modified: time, changed: time &+ 1)
    }

    /// `tar --sparse` takes a file of no blocks for one hole.
    @Test(
        arguments: [
            (0, 0), (1, 1), (511, 1), (512, 1), (513, 2), (1 << 40, 1 << 31), (Int64.max, (1 << 54)), (-1, 0),
            (Int64.min, 0),
        ] as [(Int64, Int64)]) func `a size has its blocks of 512 bytes`(size: Int64, blocks: Int64)
    {
        let status = status(file(size: size))
        #expect(status.st_blocks == Int(blocks) && status.st_size == Int(max(0, size)))
    }

    @Test(
        arguments: [
            (.directory, S_IFDIR | 0o555, S_IFDIR | 0o550), (.file, S_IFREG | 0o444, S_IFREG | 0o440),
            (.program, S_IFREG | 0o555, S_IFREG | 0o550), (.symbolicLink, S_IFLNK | 0o777, S_IFLNK | 0o777),
        ] as [(Attributes.Kind, mode_t, mode_t)]) func `a kind has its mode, less the umask`(
            kind: Attributes.Kind, plain: mode_t, masked: mode_t
        )
    {
        #expect(status(file(kind: kind)).st_mode == plain)
        #expect(status(file(kind: kind), umask: 0o027).st_mode == masked)
    }

    @Test(
        arguments: [
            (0, 0, 0), (1_500_000_000, 1, 500_000_000), (-1, -1, 999_999_999), (-1_000_000_000, -1, 0),
            (-1_500_000_000, -2, 500_000_000), (Int64.max, 9_223_372_036, 854_775_807),
            (Int64.min, -9_223_372_037, 145_224_192),
        ] as [(Int64, Int, Int)]) func `a time before 1970 is a time too`(nanoseconds: Int64, seconds: Int, rest: Int)
    {
        let status = status(file(time: nanoseconds))
        #expect(status.st_mtim.tv_sec == seconds && status.st_mtim.tv_nsec == rest)
        #expect(status.st_atim.tv_sec == seconds && (0..<1_000_000_000).contains(status.st_ctim.tv_nsec))
    }

    @Test func `owner, links and number are told`() {
        let status = status(file())
        #expect(
            status.st_uid == 7 && status.st_gid == 8 && status.st_nlink == 3 && status.st_ino == Inode.blob(9).number)
    }

    @Test func `both block sizes of a disk are one`() {
        let statistics = DiskTranslation.statistics(
            DiskUsage(blockSize: 4096, blocks: 9, freeBlocks: 8, availableBlocks: 7, files: 6, freeFiles: 5))
        #expect(statistics.f_bsize == 4096 && statistics.f_frsize == 4096 && statistics.f_namemax == 255)
        #expect(statistics.f_blocks == 9 && statistics.f_bfree == 8 && statistics.f_bavail == 7)
        #expect(statistics.f_files == 6 && statistics.f_ffree == 5 && statistics.f_favail == 5)
    }
}
