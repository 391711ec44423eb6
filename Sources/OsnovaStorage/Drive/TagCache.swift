internal import Catalog
internal import Primitives
internal import Sealing

/// The rows of chunk tags that a thread used last: sequential reads take most of theirs from here.
///
/// Direct-mapped, of a fixed size, used by one thread.
final class TagCache {
    private static let slots = 256

    private let catalog: CatalogReader
    private let memory = ScratchBuffer(count: slots * TagPage.byteCount)
    private var owners: [(blob: Int64, page: Int, count: Int)]

    init(catalog: CatalogReader) {
        self.catalog = catalog
        owners = Array(repeating: (-1, 0, 0), count: Self.slots)
    }

    /// Copies the tags of a run of chunks, 16 bytes each.
    ///
    /// - Throws: `damaged` where the database has fewer tags than the blob has chunks.
    func copy(_ chunks: ClosedRange<Int>, ofBlob row: Int64, into target: UnsafeMutableRawBufferPointer) throws {
        var next = chunks.lowerBound
        while next <= chunks.upperBound {
            let page = next / TagPage.tagCount
            let last = min(chunks.upperBound, (page + 1) * TagPage.tagCount - 1)
            let stored = try load(page, ofBlob: row)
            let wanted = (next % TagPage.tagCount) * Tag.byteCount..<(last % TagPage.tagCount + 1) * Tag.byteCount
            guard wanted.upperBound <= stored.count else {
                throw OsnovaError.damaged("the database lacks the tag of chunk \(next) of the blob in row \(row)")
            }
            UnsafeMutableRawBufferPointer(rebasing: target[((next - chunks.lowerBound) * Tag.byteCount)...])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: stored[wanted]))
            next = last + 1
        }
    }

    /// Takes the first tags of a blob that were read with its identity.
    func keepFirst(_ tags: [UInt8], ofBlob row: Int64) {
        let count = min(tags.count, TagPage.byteCount)
        let slot = Self.slot(of: 0, ofBlob: row)
        place(slot).copyBytes(from: tags.prefix(count))
        owners[slot] = (row, 0, count)
    }

    /// Drops what is held of a blob.
    func forget(_ row: Int64) {
        for slot in owners.indices where owners[slot].blob == row { owners[slot].blob = -1 }
    }

    private func load(_ page: Int, ofBlob row: Int64) throws -> UnsafeRawBufferPointer {
        let slot = Self.slot(of: page, ofBlob: row)
        let place = place(slot)
        if owners[slot].blob != row || owners[slot].page != page {
            owners[slot].blob = -1
            let count = try catalog.copyTags(ofBlob: row, page: page, into: place)
            owners[slot] = (row, page, count)
        }
        return UnsafeRawBufferPointer(rebasing: place.prefix(owners[slot].count))
    }

    private static func slot(of page: Int, ofBlob row: Int64) -> Int {
        Int(truncatingIfNeeded: UInt64(bitPattern: row) &* 7 &+ UInt64(page)) & (slots - 1)
    }

    private func place(_ slot: Int) -> UnsafeMutableRawBufferPointer {
        let start = slot * TagPage.byteCount
        return UnsafeMutableRawBufferPointer(rebasing: memory.bytes[start..<start + TagPage.byteCount])
    }
}
