import Foundation
import Glibc
import Primitives
import SystemPackage
import TestSupport
import Testing

@testable import OsnovaStorage

/// Plaintexts that change or cannot be read.
@Suite struct SourceTests {
    @Test(arguments: [10, 2 << 20], ["append", "truncate", "rewrite"])
    func `a file that changes while it is read is refused, and nothing of it is stored`(size: Int, how: String) throws {
        let yard = try Yard()
        let content = noise(size, seed: 1)
        let path = try yard.file("f", content)
        // A file long ago, so that a change of the same size moves its time.
        utimes(path.string, [timeval(tv_sec: 1, tv_usec: 0), timeval(tv_sec: 1, tv_usec: 0)])
        let source = try PlainSource(path: path)
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path.string))
        switch how {
        case "append":
            try file.seekToEnd()
            try file.write(contentsOf: Data([1]))
        case "truncate": try file.truncate(atOffset: UInt64(size - 1))
        default: try file.write(contentsOf: Data([content[0] ^ 1]))
        }
        #expect(kind { _ = try BlobPut(store: yard.store, compressing: false).prepare(source) } == .busy)
        #expect(try yard.sealedNames() == [])
    }

    @Test func `what is no file is refused without waiting for it`() throws {
        let yard = try Yard()
        let fifo = yard.folder.path("fifo")
        mkfifo(fifo, 0o600)
        for path in [fifo, yard.folder.url.path, "/dev/null"] {
            #expect(kind { _ = try PlainSource(path: FilePath(path)) } == .usage, "\(path)")
        }
        #expect(kind { _ = try PlainSource(path: "/nowhere") } == .notFound)
    }

    @Test func `a stream is read to its end, whatever pieces it comes in`() throws {
        let yard = try Yard()
        let content = noise(3 << 20, seed: 4)
        let pipe = Pipe()
        let writer = Thread {
            for start in stride(from: 0, to: content.count, by: 77_777) {
                try? pipe.fileHandleForWriting.write(contentsOf: content[start..<min(start + 77_777, content.count)])
            }
            try? pipe.fileHandleForWriting.close()
        }
        writer.start()
        let batch = try PutBatch(store: yard.store)
        let id = try batch.add(.stream(pipe.fileHandleForReading.fileDescriptor, name: "-")) { _, _, _ in }
        #expect(try batch.commit() == [])
        #expect(try id == digest(content) && yard.content(id) == content)
    }

    @Test(arguments: [0, 1, 1 << 20, (3 << 20) + 5], [false, true])
    func `bytes in memory are put as a file of them is`(size: Int, compressing: Bool) throws {
        let yard = try Yard()
        let content = compressing ? Data(repeating: 7, count: size) : noise(size, seed: 5)
        let batch = try PutBatch(store: yard.store, compressing: compressing)
        let id = try batch.add(.bytes(Array(content))) { _, _, _ in }
        #expect(try batch.commit() == [])
        #expect(try id == digest(content) && yard.content(id) == content)
        // Once more: of a large one whose size is known the digest is made before anything is written.
        var isKnown = false
        try batch.add(.bytes(Array(content))) { _, _, result in isKnown = result.alreadyStored }
        #expect(try batch.commit() == [] && isKnown)
    }
}
