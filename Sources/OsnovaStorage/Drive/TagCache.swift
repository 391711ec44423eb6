internal import Catalog
internal import Primitives
internal import Sealing
internal import Synchronization

/// Consecutive rows of a blob's chunk tags, which are read and kept together: a statement costs far more than a row, and
/// who reads a large blob here and there soon needs all of them.
struct TagRun: Hashable {
    /// Rows in a run.
    private static let pageCount = 32
    /// Tags in a run: those of 128 MiB.
    static let tagCount = pageCount * TagPage.tagCount
    /// Bytes of a run.
    static let byteCount = pageCount * TagPage.byteCount

    let row: Int64
    /// Tells a content that was sealed anew from what it was.
    let nonce: Nonce
    let number: Int

    /// The run that has a chunk's tag.
    init(chunk: Int, of open: OpenBlob) {
        row = open.row
        nonce = open.blob.nonce
        number = chunk / Self.tagCount
    }

    /// The chunks whose tags it has.
    var chunks: ClosedRange<Int> { number * Self.tagCount...(number + 1) * Self.tagCount - 1 }

    /// The first of its rows.
    var firstPage: Int { number * Self.pageCount }

    /// Where the tags of some of its chunks lie in it.
    func bytes(of chunks: ClosedRange<Int>) -> Range<Int> {
        let first = self.chunks.lowerBound
        return (chunks.lowerBound - first) * Tag.byteCount..<(chunks.upperBound + 1 - first) * Tag.byteCount
    }
}

/// The runs of chunk tags that came last, for all threads, in memory of a fixed size.
///
/// `@unchecked Sendable` holds because the memory is touched under the index's lock alone.
final class TagCache: @unchecked Sendable {
    /// Together 6 MiB: the tags of 24 GiB.
    private static let slots = 192

    private struct Index {
        private var slotOfRun: [TagRun: Int] = [:]
        private var runs = [TagRun?](repeating: nil, count: slots)
        private var next = 0

        init() { slotOfRun.reserveCapacity(slots) }

        func find(_ run: TagRun) -> Int? { slotOfRun[run] }

        /// A run's slot: the one that it has, or that of the run that came first.
        mutating func insert(_ run: TagRun) -> Int {
            if let held = slotOfRun[run] { return held }
            let slot = next
            next = (next + 1) % slots
            if let oldest = runs[slot] { slotOfRun[oldest] = nil }
            runs[slot] = run
            slotOfRun[run] = slot
            return slot
        }

        mutating func remove(_ row: Int64) {
            for (slot, run) in runs.enumerated() {
                guard let run, run.row == row else { continue }
                slotOfRun[run] = nil
                runs[slot] = nil
            }
        }
    }

    private let index = Mutex(Index())
    private let memory = ScratchBuffer(count: slots * TagRun.byteCount)

    /// Copies a part of a run; false where the run is not held.
    func copy(_ part: Range<Int>, of run: TagRun, into target: UnsafeMutableRawBufferPointer) -> Bool {
        index.withLock { index in
            guard let slot = index.find(run) else { return false }
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: place(slot)[part]))
            return true
        }
    }

    /// Holds a run.
    func insert(_ run: TagRun, _ tags: UnsafeRawBufferPointer) {
        index.withLock { place($0.insert(run)).copyMemory(from: tags) }
    }

    /// Drops what is held of a blob.
    func remove(_ row: Int64) { index.withLock { $0.remove(row) } }

    private func place(_ slot: Int) -> UnsafeMutableRawBufferPointer {
        let start = slot * TagRun.byteCount
        return UnsafeMutableRawBufferPointer(rebasing: memory.bytes[start..<start + TagRun.byteCount])
    }
}
