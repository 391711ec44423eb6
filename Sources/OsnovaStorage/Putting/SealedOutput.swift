internal import Blobs
internal import Primitives
internal import Sealing

/// Where the pieces of a long content go: compressed or as they are, sealed, into a file without a name.
///
/// One object serves one content after another. Used by one thread at a time.
final class SealedOutput {
    private let sealer: BlobSealer
    private let compressor: SeekableCompressor?
    /// What was compressed and is not sealed yet: sealing takes multiples of 64 KiB.
    private let buffer: ScratchBuffer
    private var filled = 0
    private var isCompressing = false
    private var length: Int64 = 0

    /// - Parameters:
    ///   - pieceSize: bytes of every piece but a content's last, a multiple of 128 KiB.
    ///   - compressing: whether any content will be compressed.
    init(sealer: BlobSealer, pieceSize: Int, compressing: Bool) throws {
        self.sealer = sealer
        compressor = compressing ? try SeekableCompressor() : nil
        buffer = ScratchBuffer(
            count: compressing ? SeekableCompressor.bound(pieceSize) + Int(SealedLayout.chunkSize) : pieceSize)
    }

    /// Starts a content, whatever became of the one before.
    func start(_ incoming: IncomingBlob, compressing: Bool) throws {
        try sealer.restart()
        compressor?.restart()
        isCompressing = compressing
        filled = 0
        length = 0
        try sealer.header.withUnsafeBytes { try incoming.write($0) }
    }

    /// Takes the next piece of the content.
    func write(_ piece: UnsafeRawBufferPointer, to incoming: IncomingBlob) throws {
        guard Int64(piece.count) <= SealedLayout.maximumLength - length else {
            throw OsnovaError(.usage, "a blob holds at most 256 GiB - 64 bytes")
        }
        length += Int64(piece.count)
        if isCompressing, let compressor {
            filled += try compressor.compress(piece, into: UnsafeMutableRawBufferPointer(rebasing: rest))
            try seal(filled / Int(SealedLayout.chunkSize) * Int(SealedLayout.chunkSize), to: incoming)
        } else {
            let output = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes.prefix(piece.count))
            try sealer.seal(piece, into: output)
            try incoming.write(UnsafeRawBufferPointer(output))
        }
    }

    /// Ends the content, whose SHA-256 is `id`.
    func finish(id: ContentID, to incoming: IncomingBlob) throws -> BlobSealer.Sealed {
        if isCompressing, let compressor {
            try compressor.table().withUnsafeBytes { try append($0, to: incoming) }
            try seal(filled, to: incoming)
        }
        let sealed = try sealer.finish(id: id, compressed: isCompressing ? length : nil)
        try sealed.trailer.withUnsafeBytes { try incoming.write($0) }
        return sealed
    }

    private var rest: Slice<UnsafeMutableRawBufferPointer> { buffer.bytes[filled...] }

    private func append(_ bytes: UnsafeRawBufferPointer, to incoming: IncomingBlob) throws {
        let chunk = Int(SealedLayout.chunkSize)
        for start in stride(from: 0, to: bytes.count, by: chunk) {
            let piece = bytes[start..<min(start + chunk, bytes.count)]
            UnsafeMutableRawBufferPointer(rebasing: rest).copyMemory(from: UnsafeRawBufferPointer(rebasing: piece))
            filled += piece.count
            try seal(filled / chunk * chunk, to: incoming)
        }
    }

    /// Seals the first bytes of the buffer where they are, writes them, and moves what is left to the front.
    private func seal(_ count: Int, to incoming: IncomingBlob) throws {
        guard count > 0 else { return }
        let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes.prefix(count))
        try sealer.seal(UnsafeRawBufferPointer(bytes), into: bytes)
        try incoming.write(UnsafeRawBufferPointer(bytes))
        let left = UnsafeRawBufferPointer(rebasing: buffer.bytes[count..<filled])
        UnsafeMutableRawBufferPointer(rebasing: buffer.bytes.prefix(left.count)).copyMemory(from: left)
        filled -= count
    }
}
