internal import Primitives
internal import Sealing

/// Decides by trying which contents are compressed.
///
/// Used by one thread at a time.
final class CompressionTrial {
    /// Smaller contents take a block of the disk whatever becomes of them.
    private static let minimum = 4096
    private static let sampleCount = 8
    private static let sampleSize = 32 << 10

    private let compressor: SeekableCompressor
    private let content: ScratchBuffer
    private let output: ScratchBuffer

    /// - Parameter maximum: bytes of the longest content that is compressed as a whole.
    init(maximum: Int) throws {
        compressor = try SeekableCompressor()
        content = ScratchBuffer(count: Self.sampleSize)
        output = ScratchBuffer(count: SeekableCompressor.bound(maximum) + Self.sampleSize)
    }

    /// Whether so many bytes, of so many, are few enough for what every read of them will cost: 5 % less, or more.
    static func isWorthIt(_ compressed: Int64, of length: Int64) -> Bool { compressed <= length - length / 20 }

    /// Whether samples of a content shrink; incompressible content costs 256 KiB of trying.
    ///
    /// - Parameter first: the beginning of the content, from which the samples come where it is all that can be had.
    func promises(_ first: UnsafeRawBufferPointer, of source: PlainSource) throws -> Bool {
        let length = source.size ?? Int64(first.count)
        var taken: Int64 = 0
        var compressed: Int64 = 0
        for number in 0..<Self.sampleCount {
            let offset = length / Int64(Self.sampleCount) * Int64(number)
            let sample = try sample(at: offset, first, source)
            compressor.restart()
            taken += Int64(sample.count)
            compressed += Int64(try compressor.compress(sample, into: output.bytes))
        }
        return Self.isWorthIt(compressed, of: taken)
    }

    private func sample(
        at offset: Int64, _ first: UnsafeRawBufferPointer, _ source: PlainSource
    ) throws -> UnsafeRawBufferPointer {
        if offset + Int64(Self.sampleSize) <= Int64(first.count) {
            return UnsafeRawBufferPointer(rebasing: first[Int(offset)..<Int(offset) + Self.sampleSize])
        }
        return UnsafeRawBufferPointer(rebasing: content.bytes.prefix(try source.peek(at: offset, into: content.bytes)))
    }

    /// The compressed stream of a whole content, valid until the next call; nil where it is not worth it.
    func compress(_ content: UnsafeRawBufferPointer, of source: PlainSource) throws -> UnsafeRawBufferPointer? {
        guard content.count >= Self.minimum else { return nil }
        if content.count > 2 * Self.sampleCount * Self.sampleSize, try !promises(content, of: source) { return nil }
        compressor.restart()
        let count = try compressor.compress(content, into: output.bytes)
        let table = compressor.table()
        guard Self.isWorthIt(Int64(count + table.count), of: Int64(content.count)) else { return nil }
        UnsafeMutableRawBufferPointer(rebasing: output.bytes[count...]).copyBytes(from: table)
        return UnsafeRawBufferPointer(rebasing: output.bytes.prefix(count + table.count))
    }
}
