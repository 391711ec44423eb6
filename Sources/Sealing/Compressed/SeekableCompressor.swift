internal import Primitives

/// Makes a compressed stream of a content: frames of 128 KiB of it, then the table by which they are found.
///
/// One object serves one content after another. Used by one thread at a time.
public final class SeekableCompressor {
    /// Bytes of content in a frame: zstd's largest block, and what a kernel asks a driver for at once (docs/format.md).
    public static let frameSize = 128 << 10

    private let compressor: ZstdCompressor
    private var entries: [UInt32] = []

    /// Readies a compressor.
    public init() throws {
        compressor = try ZstdCompressor()
    }

    /// Starts another content, whatever became of the one before.
    public func restart() { entries.removeAll(keepingCapacity: true) }

    /// The most bytes that the frames of `count` bytes of content take.
    public static func bound(_ count: Int) -> Int {
        (count + frameSize - 1) / frameSize * ZstdCompressor.bound(frameSize)
    }

    /// Compresses the next piece of content.
    ///
    /// - Parameters:
    ///   - piece: a multiple of ``frameSize``, except for the last one.
    ///   - output: at least ``bound(_:)`` bytes.
    /// - Returns: the bytes of the frames.
    public func compress(_ piece: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws -> Int {
        var filled = 0
        for start in stride(from: 0, to: piece.count, by: Self.frameSize) {
            let frame = UnsafeRawBufferPointer(rebasing: piece[start..<min(start + Self.frameSize, piece.count)])
            let count = try compressor.compress(
                frame, into: UnsafeMutableRawBufferPointer(rebasing: output[filled...]))
            entries += [UInt32(truncatingIfNeeded: count), UInt32(truncatingIfNeeded: frame.count)]
            filled += count
        }
        return filled
    }

    /// The seek table, which ends the stream: 8 bytes a frame and 17 around them, without checksums.
    public func table() -> [UInt8] {
        let inside = UInt32(truncatingIfNeeded: entries.count * 4 + 9)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(entries.count * 4 + 17)
        func append(_ word: UInt32) { withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) } }
        append(0x184D_2A5E)
        append(inside)
        for entry in entries { append(entry) }
        append(UInt32(truncatingIfNeeded: entries.count / 2))
        bytes.append(0)
        append(0x8F92_EAB1)
        return bytes
    }
}
