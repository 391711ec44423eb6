internal import Primitives

/// Where the frames of a compressed stream lie: zstd's seekable format, version 0.1.0
/// (https://github.com/facebook/zstd/blob/dev/contrib/seekable_format/zstd_seekable_compression_format.md).
///
/// Frames of one length of content, but for the last; 4 bytes of memory a frame.
struct SeekTable: Sendable {
    /// Bytes of a stream, from an offset; fewer at its end, valid until the next call.
    typealias Source = (_ offset: Int64, _ count: Int) throws -> UnsafeRawBufferPointer

    /// The longest content of one frame that is read: what a reader holds of it is bounded so.
    static let maximumFrameSize = 512 << 10
    /// The most frames: those of 256 GiB in frames of 128 KiB.
    static let maximumFrameCount = 1 << 21

    /// A landmark for so many frames, from which the others are summed up.
    private static let stride = 64

    /// Bytes of content in each frame but the last.
    let frameSize: Int
    /// Bytes of content.
    let contentLength: Int64
    private let compressedSizes: [UInt32]
    private let landmarks: [Int64]

    /// Bytes of memory.
    var cost: Int { compressedSizes.count * 4 + landmarks.count * 8 + 64 }

    /// Reads the table at the end of a stream; nil where there is none.
    ///
    /// - Parameter source: trusted no more than where it comes from; memory is bounded whatever it gives.
    /// - Throws: `damaged` for a table that does not describe its stream.
    init?(streamLength: Int64, _ source: Source) throws {
        guard let footer = try Footer(streamLength: streamLength, source) else { return nil }
        var parser = Parser(footer)
        let step = StreamReader.maximumRead / footer.entrySize
        for first in Swift.stride(from: 0, to: footer.frameCount, by: step) {
            let count = min(step, footer.frameCount - first) * footer.entrySize
            let bytes = try source(footer.firstEntry + Int64(first * footer.entrySize), count)
            guard bytes.count == count else { throw OsnovaError.damaged("its seek table is cut short") }
            try parser.take(bytes)
        }
        guard parser.streamLength == footer.start else {
            throw OsnovaError.damaged("its seek table describes \(parser.streamLength) bytes, not \(footer.start)")
        }
        frameSize = parser.frameSize
        contentLength = parser.contentLength
        compressedSizes = parser.compressedSizes
        landmarks = parser.landmarks
    }

    /// The frame that holds a byte of content, which must be one.
    func frame(holding offset: Int64) -> Int { Int(offset / Int64(frameSize)) }

    /// The bytes of content in a frame.
    func content(of frame: Int) -> Range<Int64> {
        let start = Int64(frame) * Int64(frameSize)
        return start..<min(start + Int64(frameSize), contentLength)
    }

    /// Where a frame lies in the stream.
    func place(of frame: Int) -> Range<Int64> {
        let landmark = frame / Self.stride
        let before = compressedSizes[landmark * Self.stride..<frame]
        let start = before.reduce(landmarks[landmark]) { $0 + Int64($1) }
        return start..<start + Int64(compressedSizes[frame])
    }
}

extension SeekTable {
    /// The last 9 bytes of a stream, and what they say of the table before them.
    private struct Footer {
        static let size = 9
        private static let headerSize = 8
        private static let magic: UInt32 = 0x8F92_EAB1
        private static let skippableMagic: UInt32 = 0x184D_2A5E

        let frameCount: Int
        let entrySize: Int
        /// Where the table, a skippable frame, begins; frames end here.
        let start: Int64
        var firstEntry: Int64 { start + Int64(Self.headerSize) }

        init?(streamLength: Int64, _ source: Source) throws {
            guard streamLength > Int64(Self.size + Self.headerSize) else { return nil }
            let bytes = try source(streamLength - Int64(Self.size), Self.size)
            guard bytes.count == Self.size, bytes.word(5) == Self.magic else { return nil }
            let count = Int(bytes.word(0))
            let descriptor = bytes[4]
            guard descriptor & 0x7C == 0 else { throw OsnovaError.damaged("its seek table is of another version") }
            guard (1...SeekTable.maximumFrameCount).contains(count) else {
                throw OsnovaError.damaged("its seek table names \(count) frames")
            }
            frameCount = count
            entrySize = descriptor & 0x80 == 0 ? 8 : 12
            let inside = count * entrySize + Self.size
            start = streamLength - Int64(inside + Self.headerSize)
            guard start > 0 else { throw OsnovaError.damaged("its seek table names \(count) frames") }
            let header = try source(start, Self.headerSize)
            guard header.count == Self.headerSize, header.word(0) == Self.skippableMagic, header.word(4) == inside
            else {
                throw OsnovaError.damaged("its seek table has no beginning")
            }
        }
    }

    /// Takes entries one after another.
    private struct Parser {
        private let footer: Footer
        var frameSize = 0
        var contentLength: Int64 = 0
        var streamLength: Int64 = 0
        var compressedSizes: [UInt32] = []
        var landmarks: [Int64] = []

        init(_ footer: Footer) {
            self.footer = footer
            compressedSizes.reserveCapacity(footer.frameCount)
            landmarks.reserveCapacity(footer.frameCount / SeekTable.stride + 1)
        }

        mutating func take(_ entries: UnsafeRawBufferPointer) throws {
            for start in Swift.stride(from: 0, to: entries.count, by: footer.entrySize) {
                try take(compressed: entries.word(start), content: Int(entries.word(start + 4)))
            }
        }

        private mutating func take(compressed: UInt32, content: Int) throws {
            let number = compressedSizes.count
            if number == 0 { frameSize = content }
            let isLast = number + 1 == footer.frameCount
            guard content > 0, content <= SeekTable.maximumFrameSize,
                isLast ? content <= frameSize : content == frameSize
            else { throw OsnovaError.damaged("frame \(number) of its seek table holds \(content) bytes") }
            guard compressed > 0, Int(compressed) <= ZstdCompressor.bound(SeekTable.maximumFrameSize) else {
                throw OsnovaError.damaged("frame \(number) of its seek table takes \(compressed) bytes")
            }
            if number % SeekTable.stride == 0 { landmarks.append(streamLength) }
            compressedSizes.append(compressed)
            streamLength += Int64(compressed)
            contentLength += Int64(content)
            guard contentLength <= SealedLayout.maximumLength else {
                throw OsnovaError.damaged("its seek table promises more than 256 GiB - 64 bytes")
            }
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Four bytes, little-endian; the caller has seen to it that they are there.
    fileprivate func word(_ offset: Int) -> UInt32 {
        UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}
