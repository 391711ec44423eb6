import Foundation
import Primitives
import Sealing
import TestSupport
import Testing
import Tree

@testable import OsnovaStorage

@Suite struct LengthCorrectionsTests {
    private func changed(_ row: Int64) -> TreeChange { .changed(inode: Inode.blob(row).number) }

    @Test func `a correction is outstanding until changes are asked for after it was handed over`() {
        let corrections = LengthCorrections()
        #expect(!corrections.isOutstanding(1))
        corrections.add(1)
        corrections.add(2)
        corrections.handOver([])
        corrections.handOver([.attributes(inode: Inode.blob(1).number), changed(3), .changed(inode: 1)])
        #expect(corrections.isOutstanding(1) && corrections.isOutstanding(2))
        corrections.handOver([changed(1)])
        #expect(corrections.isOutstanding(1), "the kernel is being told")
        corrections.handOver([])
        #expect(!corrections.isOutstanding(1) && corrections.isOutstanding(2))
        corrections.handOver([.everything])
        corrections.add(1)
        #expect(corrections.isOutstanding(2))
        corrections.handOver([])
        #expect(!corrections.isOutstanding(2) && corrections.isOutstanding(1))
    }

    @Test func `a correction that is told twice in one go is outstanding until then too`() {
        let corrections = LengthCorrections()
        corrections.add(1)
        corrections.add(2)
        corrections.handOver([changed(1), .everything])
        #expect(corrections.isOutstanding(1) && corrections.isOutstanding(2))
        corrections.handOver([])
        #expect(!corrections.isOutstanding(1) && !corrections.isOutstanding(2))
    }
}

@Suite struct OpenBlobsTests {
    private final class Witness {
        weak var blob: OpenBlob?
        init(_ blob: OpenBlob) { self.blob = blob }
    }

    private func open(_ row: Int64, _ folder: TemporaryFolder) throws -> OpenBlob {
        let file = try SystemCalls.open(folder.write("f", Data("content".utf8)), 0)
        let blob = try #require(SealedBlob(id: digest(Data()), nonce: .random(), length: 0))
        return OpenBlob(
            row: row, blob: blob, file: file, status: try SystemCalls.status(of: file), created: 0, kind: .file,
            firstTags: [])
    }

    @Test func `however many blobs are read, 256 files are open, those that came last`() throws {
        let folder = try TemporaryFolder()
        let blobs = OpenBlobs()
        var witnesses: [Witness] = []
        for row in 0..<600 as Range<Int64> {
            let blob = try open(row, folder)
            witnesses.append(Witness(blob))
            _ = blobs.insert(blob)
        }
        #expect(witnesses.count { $0.blob != nil } == 256)
        #expect((0..<600).filter { blobs.find($0) != nil } == Array(344..<600))
    }

    @Test func `files that are let go of and opened again do not add up`() throws {
        let folder = try TemporaryFolder()
        let blobs = OpenBlobs()
        var witnesses: [Witness] = []
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<3000 {
            let row = Int64.random(in: 0..<300, using: &generator)
            if Bool.random(using: &generator) { blobs.remove(row) }
            let blob = try open(row, folder)
            witnesses.append(Witness(blob))
            _ = blobs.insert(blob)
            #expect(blobs.find(row) === blob)
        }
        let held = witnesses.compactMap(\.blob)
        #expect(held.count <= 256 && Set(held.map(\.row)).count == held.count)
        for blob in held { blobs.remove(blob.row) }
        #expect((0..<300).allSatisfy { blobs.find($0) == nil })
    }

    @Test func `a file that was written, cut or removed is no longer current`() throws {
        let folder = try TemporaryFolder()
        for change in ["printf x >> f", "truncate -s 3 f", "rm f", "mv f g; ln g f"] {
            let blob = try open(1, folder)
            #expect(blob.isCurrent)
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-c", change]
            process.currentDirectoryURL = folder.url
            try process.run()
            process.waitUntilExit()
            #expect(!blob.isCurrent, "\(change)")
        }
    }
}
