import Catalog
import Foundation
import Primitives
import Sealing
import TestSupport
import Testing
import Tree

@testable import OsnovaStorage

@Suite struct TagReaderTests {
    /// A blob of so many chunks with tags that are not true, open as by a thread that read its identity.
    private func open(_ seed: UInt64, chunks: Int, in yard: Yard) throws -> (open: OpenBlob, tags: [UInt8]) {
        let tags = Array(noise(chunks * Tag.byteCount, seed: seed))
        let extent = BlobExtent(plain: Int64(chunks) << 16)
        let nonce = Array(noise(12, seed: seed + 1))
        let id = try digest(noise(8, seed: seed))
        let row = try yard.store.catalog.write {
            try $0.record(VerifiedBlob(id: id, extent: extent, nonce: nonce, tags: tags, mediaType: .unknown))
        }
        let identity = try #require(try CatalogReader(path: yard.store.root.database).identity(ofBlob: row))
        let file = try SystemCalls.open(yard.store.root.database, 0)
        let known = try #require(Nonce(nonce))
        let blob = try #require(SealedBlob(id: id, nonce: known, extent: extent))
        let open = OpenBlob(
            row: row, blob: blob, file: file, status: try SystemCalls.status(of: file), created: 0, kind: .file,
            firstTags: identity.firstTags)
        return (open, tags)
    }

    private func makeReader(_ yard: Yard, _ cache: TagCache = TagCache()) throws -> TagReader {
        TagReader(catalog: try CatalogReader(path: yard.store.root.database), cache: cache)
    }

    private func copy(_ reader: TagReader, _ chunks: ClosedRange<Int>, _ open: OpenBlob) throws -> [UInt8] {
        var memory = [UInt8](repeating: 0, count: chunks.count * Tag.byteCount)
        try memory.withUnsafeMutableBytes { try reader.copy(chunks, of: open, into: $0) }
        return memory
    }

    @Test func `any run of chunks of any blob gets its own tags, whichever thread asks`() throws {
        let yard = try Yard()
        let blobs = try [1, 64, 65, TagRun.tagCount, 3 * TagRun.tagCount + 100].enumerated().map {
            try open(UInt64($0.offset) * 10, chunks: $0.element, in: yard)
        }
        let cache = TagCache()
        let readers = try [makeReader(yard, cache), makeReader(yard, cache)]
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(seed: seed)
        for step in 0..<4000 {
            let (open, tags) = blobs[Int.random(in: 0..<blobs.count, using: &generator)]
            let first = Int.random(in: 0..<tags.count / 16, using: &generator)
            let last = min(tags.count / 16 - 1, first + Int.random(in: 0...17, using: &generator))
            let found = try copy(readers[step % 2], first...last, open)
            #expect(found == Array(tags[first * 16..<(last + 1) * 16]), "seed \(seed)")
        }
    }

    @Test func `what one thread has read, the others need not`() throws {
        let yard = try Yard()
        let (open, tags) = try open(1, chunks: 2 * TagRun.tagCount, in: yard)
        let cache = TagCache()
        let last = TagRun.tagCount - 1
        _ = try copy(makeReader(yard, cache), 100...100, open)
        try yard.foreign("DELETE FROM blob_tags")
        let other = try makeReader(yard, cache)
        #expect(try copy(other, last...last, open) == Array(tags[(last * 16)...].prefix(16)))
        #expect(kind { _ = try copy(other, last...last + 1, open) } == .damaged, "the next run was never read")
    }

    @Test func `more runs than there is memory for take the place of those that came first`() throws {
        let cache = TagCache()
        let yard = try Yard()
        let (open, _) = try open(1, chunks: 1, in: yard)
        func run(_ number: Int) -> TagRun { TagRun(chunk: number * TagRun.tagCount, of: open) }
        func holds(_ number: Int) -> Bool {
            var tag = [UInt8](repeating: 0, count: 16)
            let isHeld = tag.withUnsafeMutableBytes { cache.copy(16..<32, of: run(number), into: $0) }
            if isHeld { #expect(tag == [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 16)) }
            return isHeld
        }
        for number in 0..<500 {
            let tags = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: TagRun.byteCount)
            for _ in 0...1 { tags.withUnsafeBytes { cache.insert(run(number), $0) } }
        }
        let held = (0..<500).filter(holds)
        #expect(held == Array(500 - held.count..<500) && held.count * TagRun.byteCount == 6 << 20)
        cache.remove(open.row)
        #expect((0..<500).filter(holds).isEmpty)
    }

    @Test func `tags that the database lacks are damage of their chunks alone`() throws {
        let yard = try Yard()
        let (open, tags) = try open(1, chunks: 65, in: yard)
        let reader = try makeReader(yard)
        for chunks in [65...65, 60...65, 5000...5000] {
            #expect(kind { _ = try copy(reader, chunks, open) } == .damaged)
        }
        let (large, known) = try self.open(11, chunks: 200, in: yard)
        try yard.foreign("UPDATE blob_tags SET tags = substr(tags, 1, 24) WHERE position = \(large.row << 16 | 1)")
        try yard.foreign("DELETE FROM blob_tags WHERE position = \(large.row << 16 | 2)")
        for chunk in 0..<200 {
            // Of its chunk's tag 8 bytes are left; that is for the reader of the chunk to notice.
            if chunk == 65 { continue }
            if (66..<192).contains(chunk) {
                #expect(kind { _ = try copy(reader, chunk...chunk, large) } == .damaged)
            } else {
                #expect(try copy(reader, chunk...chunk, large) == Array(known[(chunk * 16)...].prefix(16)))
            }
        }
        #expect(try copy(reader, 64...64, open) == Array(tags[(64 * 16)...]), "the row after another blob's")
    }

    @Test func `what is forgotten, and a content that was sealed anew, are read again`() throws {
        let yard = try Yard()
        let (open, old) = try open(1, chunks: 100, in: yard)
        let reader = try makeReader(yard)
        let both = 60...70
        #expect(try copy(reader, both, open) == Array(old[960..<1136]))
        let new = Array(noise(1024, seed: 99))
        try yard.foreign("UPDATE blob_tags SET tags = x'\(Hexadecimal.string(new))'")
        #expect(try copy(reader, both, open) == Array(old[960..<1136]))
        let sealedAnew = OpenBlob(
            row: open.row, blob: try #require(SealedBlob(id: open.blob.id, nonce: .random(), extent: open.blob.extent)),
            file: open.file, status: try SystemCalls.status(of: open.file), created: 0, kind: .file, firstTags: [])
        let expected = Array(new[960...] + new[..<112])
        #expect(try copy(reader, both, sealedAnew) == expected)
        reader.forget(open.row)
        #expect(try copy(reader, both, open) == expected)
    }
}
