internal import Synchronization

/// Which blobs a mount read from its disk lately: a bit a blob, set without a lock by whoever reads.
///
/// A row beyond the bits shares one with another row: then an entry of the cache may pass for used that was not.
/// `@unchecked Sendable` holds because the words are atomic.
final class ReadMarks: @unchecked Sendable {
    /// 128 KiB: exact for a million blobs.
    private static let bits = 1 << 20
    private static let words = bits / 64

    private let memory: UnsafeMutablePointer<Atomic<UInt64>>
    private let sawCopy = Atomic(false)

    init() {
        memory = .allocate(capacity: Self.words)
        for index in 0..<Self.words { (memory + index).initialize(to: Atomic(0)) }
    }

    deinit {
        memory.deinitialize(count: Self.words)
        memory.deallocate()
    }

    /// Notes that a blob was read.
    func mark(_ row: Int64) {
        let bit = Self.place(of: row)
        let mask: UInt64 = 1 << UInt64(bit % 64)
        // Most reads find the bit set, and leave the line of memory to all processors.
        guard memory[bit / 64].load(ordering: .relaxed) & mask == 0 else { return }
        memory[bit / 64].bitwiseOr(mask, ordering: .relaxed)
    }

    /// Notes that the view's database was read.
    func markCopy() { sawCopy.store(true, ordering: .relaxed) }

    /// Calls `body` with the place of each blob that was read since the last call, as ``place(of:)`` tells it.
    func take(_ body: (Int) -> Void) {
        for index in 0..<Self.words where memory[index].load(ordering: .relaxed) != 0 {
            var word = memory[index].exchange(0, ordering: .relaxed)
            while word != 0 {
                body(index * 64 + word.trailingZeroBitCount)
                word &= word - 1
            }
        }
    }

    /// Whether the view's database was read since the last call, as a program does that copies the whole view.
    func takeCopy() -> Bool { sawCopy.exchange(false, ordering: .relaxed) }

    /// The bit of a blob.
    static func place(of row: Int64) -> Int { Int(truncatingIfNeeded: row) & (bits - 1) }
}
