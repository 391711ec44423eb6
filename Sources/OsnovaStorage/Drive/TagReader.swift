internal import Catalog
internal import Primitives
internal import Sealing

/// One thread's way to the chunk tags of open blobs: by the cache of all threads, or by the database.
final class TagReader {
    private let catalog: CatalogReader
    private let cache: TagCache
    /// A run on its way into the cache, whose lock is not held while the database is read.
    private let loaded = ScratchBuffer(count: TagRun.byteCount)

    init(catalog: CatalogReader, cache: TagCache) {
        self.catalog = catalog
        self.cache = cache
    }

    /// Copies the tags of consecutive chunks, 16 bytes each.
    ///
    /// - Throws: `damaged` where the database has fewer tags than the blob has chunks.
    func copy(_ chunks: ClosedRange<Int>, of open: OpenBlob, into target: UnsafeMutableRawBufferPointer) throws {
        guard !copyFirst(chunks, of: open, into: target) else { return }
        var next = chunks.lowerBound
        while next <= chunks.upperBound {
            let run = TagRun(chunk: next, of: open)
            let part = next...min(chunks.upperBound, run.chunks.upperBound)
            let place = UnsafeMutableRawBufferPointer(
                rebasing: target[((next - chunks.lowerBound) * Tag.byteCount)...].prefix(part.count * Tag.byteCount))
            try copy(run.bytes(of: part), of: run, into: place)
            try requireTags(of: part, in: UnsafeRawBufferPointer(place), row: open.row)
            next = part.upperBound + 1
        }
    }

    /// Drops what all threads hold of a blob.
    func forget(_ row: Int64) { cache.remove(row) }

    /// From what was read with the blob's identity, which for most blobs is all.
    private func copyFirst(
        _ chunks: ClosedRange<Int>, of open: OpenBlob, into target: UnsafeMutableRawBufferPointer
    ) -> Bool {
        let wanted = chunks.lowerBound * Tag.byteCount..<(chunks.upperBound + 1) * Tag.byteCount
        guard wanted.upperBound <= open.firstTags.count else { return false }
        target.copyBytes(from: open.firstTags[wanted])
        return true
    }

    private func copy(_ part: Range<Int>, of run: TagRun, into target: UnsafeMutableRawBufferPointer) throws {
        guard !cache.copy(part, of: run, into: target) else { return }
        try catalog.copyTags(ofBlob: run.row, from: run.firstPage, into: loaded.bytes)
        cache.insert(run, UnsafeRawBufferPointer(loaded.bytes))
        target.copyMemory(from: UnsafeRawBufferPointer(rebasing: loaded.bytes[part]))
    }

    /// Zeros stand where the database has no tag; a true tag is all zeros once in 2^128.
    private func requireTags(of chunks: ClosedRange<Int>, in tags: UnsafeRawBufferPointer, row: Int64) throws {
        for (index, chunk) in chunks.enumerated()
        where Tag(UnsafeRawBufferPointer(rebasing: tags[(index * Tag.byteCount)...])) == .zero {
            throw OsnovaError.damaged("the database lacks the tag of chunk \(chunk) of the blob in row \(row)")
        }
    }
}
