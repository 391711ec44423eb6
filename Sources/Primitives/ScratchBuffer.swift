/// Memory that a thread reuses for one operation after another, page-aligned, freed with its owner.
public final class ScratchBuffer {
    /// The memory; its content is whatever the last user left.
    public let bytes: UnsafeMutableRawBufferPointer

    /// Allocates `count` bytes.
    public init(count: Int) {
        bytes = .allocate(byteCount: count, alignment: 4096)
    }

    deinit { bytes.deallocate() }
}
