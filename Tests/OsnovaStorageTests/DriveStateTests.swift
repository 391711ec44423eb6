import Catalog
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
}

@Suite struct TagCacheTests {
    /// Tags of a blob of so many chunks, which need not be true.
    private func record(_ seed: UInt64, chunks: Int, in yard: Yard) throws -> (row: Int64, tags: [UInt8]) {
        let tags = Array(noise(chunks * Tag.byteCount, seed: seed))
        let blob = VerifiedBlob(
            id: try digest(noise(8, seed: seed)), extent: BlobExtent(plain: Int64(chunks) << 16),
            nonce: Array(repeating: 1, count: 12), tags: tags, mediaType: .unknown)
        return (try yard.store.catalog.write { try $0.record(blob) }, tags)
    }

    private func copy(_ cache: TagCache, _ chunks: ClosedRange<Int>, _ row: Int64) throws -> [UInt8] {
        var memory = [UInt8](repeating: 0, count: chunks.count * Tag.byteCount)
        try memory.withUnsafeMutableBytes { try cache.copy(chunks, ofBlob: row, into: $0) }
        return memory
    }

    @Test func `any run of chunks of any blob gets its own tags`() throws {
        let yard = try Yard()
        let blobs = try [1: 1, 2: 64, 3: 65, 4: 2000].sorted { $0.key < $1.key }.map {
            try record($0.key, chunks: $0.value, in: yard)
        }
        let cache = TagCache(catalog: try CatalogReader(path: yard.store.root.database))
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            let (row, tags) = blobs[Int.random(in: 0..<blobs.count, using: &generator)]
            let first = Int.random(in: 0..<tags.count / 16, using: &generator)
            let last = min(tags.count / 16 - 1, first + Int.random(in: 0...17, using: &generator))
            #expect(try copy(cache, first...last, row) == Array(tags[first * 16..<(last + 1) * 16]), "seed \(seed)")
        }
    }

    @Test func `tags that the database lacks are damage, never somebody else's`() throws {
        let yard = try Yard()
        let (row, _) = try record(1, chunks: 65, in: yard)
        let cache = TagCache(catalog: try CatalogReader(path: yard.store.root.database))
        for chunks in [65...65, 60...65, 1000...1000] {
            #expect(kind { _ = try copy(cache, chunks, row) } == .damaged)
        }
        #expect(kind { _ = try copy(cache, 0...0, row + 1) } == .damaged)
        try yard.foreign("UPDATE blob_tags SET tags = substr(tags, 1, 24)")
        cache.forget(row)
        #expect(kind { _ = try copy(cache, 1...1, row) } == .damaged)
        #expect(try copy(cache, 0...0, row).count == 16)
    }

    @Test func `what is forgotten is read again`() throws {
        let yard = try Yard()
        let (row, old) = try record(1, chunks: 10, in: yard)
        let cache = TagCache(catalog: try CatalogReader(path: yard.store.root.database))
        #expect(try copy(cache, 0...9, row) == old)
        try yard.foreign("UPDATE blob_tags SET tags = zeroblob(160)")
        cache.forget(row)
        #expect(try copy(cache, 0...9, row) == [UInt8](repeating: 0, count: 160))
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
        return OpenBlob(row: row, blob: blob, file: file, status: try SystemCalls.status(of: file))
    }

    @Test func `however many blobs are read, 256 files are open, those that came last`() throws {
        let folder = try TemporaryFolder()
        let blobs = OpenBlobs()
        var witnesses: [Witness] = []
        for row in 0..<600 as Range<Int64> {
            let blob = try open(row, folder)
            witnesses.append(Witness(blob))
            blobs.insert(blob)
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
            blobs.insert(blob)
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
