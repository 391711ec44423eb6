import Foundation
import Glibc
import TestSupport
import Testing

@testable import OsnovaStorage

@Suite struct DiskReserveTests {
    private func path(in yard: Yard) -> String { "\(yard.store.root.path)/\(DiskReserve.name)" }

    private func look(at path: String) -> stat {
        var status = stat()
        lstat(path, &status)
        return status
    }

    /// As `rsync --sparse` copies it, and as a kill leaves it on a disk without fallocate.
    @Test(arguments: [DiskReserve.size, 5000]) func `a file that keeps too little is made whole`(size: Int) throws {
        let yard = try Yard()
        let path = path(in: yard)
        unlink(path)
        try Data().write(to: URL(fileURLWithPath: path))
        try #require(truncate(path, off_t(size)) == 0 && look(at: path).st_blocks == 0)
        try yard.put([noise(10, seed: 1)])
        #expect(look(at: path).st_size == DiskReserve.size && look(at: path).st_blocks * 512 >= DiskReserve.size)
    }

    @Test(.timeLimit(.minutes(1))) func `a put waits for nobody who reads a FIFO of that name`() throws {
        let yard = try Yard()
        unlink(path(in: yard))
        try #require(mkfifo(path(in: yard), 0o600) == 0)
        try yard.put([noise(10, seed: 1)])
        #expect(look(at: path(in: yard)).st_mode & S_IFMT == S_IFIFO)
    }

    @Test func `what else has the name keeps its bytes`() throws {
        let yard = try Yard()
        let own = try yard.file("own", Data("mine".utf8))
        for make in [link, symlink] {
            unlink(path(in: yard))
            try #require(make(own.string, path(in: yard)) == 0)
            try yard.put([noise(10, seed: 1)])
            #expect(try Data(contentsOf: URL(fileURLWithPath: own.string)) == Data("mine".utf8))
        }
    }

    @Test(arguments: [4, DiskReserve.size - 1, DiskReserve.size + 1])
    func `a person's file of that name is neither written nor given up`(size: Int) throws {
        let yard = try Yard()
        let own = Data(repeating: 0x41, count: size)
        try own.write(to: URL(fileURLWithPath: path(in: yard)))
        try yard.put([noise(10, seed: 1)])
        #expect(!DiskReserve(yard.store.root).release())
        #expect(try Data(contentsOf: URL(fileURLWithPath: path(in: yard))) == own)
    }

    @Test func `what was made is given up once`() throws {
        let yard = try Yard()
        try yard.put([noise(10, seed: 1)])
        #expect(DiskReserve(yard.store.root).release())
        #expect(!DiskReserve(yard.store.root).release())
    }
}
