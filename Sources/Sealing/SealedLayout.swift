/// The arithmetic of a sealed file: `nonce(12) ‖ ciphertext ‖ tag(16)`, checked in chunks of 64 KiB.
///
/// Every function is total: sizes and offsets come from disks and kernels.
public enum SealedLayout {
    /// Bytes before the ciphertext.
    public static let nonceSize: Int64 = 12
    /// Bytes after the ciphertext.
    public static let tagSize: Int64 = 16
    /// Bytes that sealing adds.
    public static let overhead = nonceSize + tagSize
    /// Bytes of ciphertext under one chunk tag.
    public static let chunkSize: Int64 = 64 * 1024
    /// The longest plaintext: ChaCha20's 32-bit block counter, less the block that keys Poly1305 (RFC 8439 §2.8).
    public static let maximumLength: Int64 = (1 << 38) - 64

    /// The plaintext's length in a file of `size` bytes; nil where no sealed file has that size.
    public static func plaintextLength(ofFile size: Int64) -> Int64? {
        guard size >= overhead, size - overhead <= maximumLength else { return nil }
        return size - overhead
    }

    /// Chunk tags of a plaintext of `length` bytes: at least one, so that an empty blob is authenticated too.
    public static func chunkCount(ofLength length: Int64) -> Int {
        max(1, Int((length + chunkSize - 1) / chunkSize))
    }

    /// The chunks that hold the plaintext bytes `offset..<end`; the range must not be empty.
    static func chunks(from offset: Int64, to end: Int64) -> ClosedRange<Int> {
        Int(offset / chunkSize)...Int((end - 1) / chunkSize)
    }

    /// Where a run of chunks lies in the file; the last chunk carries the file's own tag with it.
    static func fileRange(of chunks: ClosedRange<Int>, length: Int64) -> Range<Int64> {
        let start = nonceSize + Int64(chunks.lowerBound) * chunkSize
        let isFinal = chunks.upperBound + 1 == chunkCount(ofLength: length)
        let end = isFinal ? length + overhead : nonceSize + Int64(chunks.upperBound + 1) * chunkSize
        return start..<end
    }
}
