internal import Primitives

/// Reads any range of what was sealed, be it a content or its compressed stream, each byte verified in the same read.
///
/// A read costs the chunks that it touches, whatever the blob's length, and allocates nothing.
/// Used by one thread at a time.
final class StreamReader {
    /// The most bytes that one read returns.
    static let maximumRead = 1 << 20

    private let keys: SealingKeys
    private let cipher: ChaCha20
    private let chunkTags: ChunkTags
    private let buffer: ScratchBuffer
    private let tags: ScratchBuffer

    /// Readies a reader that can be used for one file after another.
    init(keys: SealingKeys) throws {
        self.keys = keys
        cipher = try ChaCha20()
        chunkTags = try ChunkTags(keys: keys)
        let chunks = Self.maximumRead / Int(SealedLayout.chunkSize) + 1
        buffer = ScratchBuffer(count: chunks * Int(SealedLayout.chunkSize) + Int(SealedLayout.tagSize))
        tags = ScratchBuffer(count: chunks * Tag.byteCount)
    }

    /// What was sealed from `offset`, at most `count` bytes and less at the end; valid until the next call.
    ///
    /// - Parameters: as those of ``BlobReader/read(_:file:at:count:tags:)``, but that `offset` is one into the stream.
    func read(
        _ blob: SealedBlob, file: OwnedDescriptor, at offset: Int64, count: Int, tags source: BlobReader.TagSource
    ) throws -> UnsafeRawBufferPointer {
        guard offset >= 0, offset < blob.sealedLength, count > 0 else {
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        let end = offset + min(Int64(min(count, Self.maximumRead)), blob.sealedLength - offset)
        let chunks = SealedLayout.chunks(from: offset, to: end)
        let range = SealedLayout.fileRange(of: chunks, length: blob.sealedLength)
        let ciphertext = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes.prefix(range.count))
        guard try reading({ try SystemCalls.read(file, into: ciphertext, at: range.lowerBound) }) == range.count else {
            throw OsnovaError.damaged("the file is cut short")
        }
        let stored = UnsafeMutableRawBufferPointer(rebasing: tags.bytes.prefix(chunks.count * Tag.byteCount))
        try source(chunks, stored)
        if let bad = try chunkTags.firstMismatch(
            in: UnsafeRawBufferPointer(ciphertext), chunks: chunks, of: blob, tags: UnsafeRawBufferPointer(stored))
        {
            throw OsnovaError.damaged("chunk \(bad) is not what was sealed")
        }
        return try decrypt(offset..<end, of: blob, in: ciphertext, startingAt: chunks)
    }

    private func decrypt(
        _ wanted: Range<Int64>, of blob: SealedBlob, in ciphertext: UnsafeMutableRawBufferPointer,
        startingAt chunks: ClosedRange<Int>
    ) throws -> UnsafeRawBufferPointer {
        let block = Int64(ChaCha20.blockSize)
        let origin = Int64(chunks.lowerBound) * SealedLayout.chunkSize
        let aligned = wanted.lowerBound / block * block
        let bytes = UnsafeMutableRawBufferPointer(
            rebasing: ciphertext[Int(aligned - origin)..<Int(wanted.upperBound - origin)])
        try keys.blob.withUnsafeBytes { key in
            try blob.nonce.withUnsafeBytes {
                try cipher.apply(
                    key: key, nonce: $0, counter: UInt32(truncatingIfNeeded: 1 + aligned / block),
                    from: UnsafeRawBufferPointer(bytes), to: bytes)
            }
        }
        return UnsafeRawBufferPointer(rebasing: bytes[Int(wanted.lowerBound - aligned)...])
    }
}
