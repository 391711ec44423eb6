internal import Primitives

/// Finds out what content a compressed stream holds, in constant memory.
///
/// Used by one thread at a time.
final class StreamAudit {
    /// What a stream holds.
    struct Finding {
        /// The SHA-256 of the content.
        let id: ContentID
        let extent: BlobExtent
        /// The content's first bytes, at most ``BlobAudit/prefixSize``.
        let prefix: [UInt8]
    }

    private let reader: StreamReader
    private let frames = FrameReader()

    init(keys: SealingKeys) throws {
        reader = try StreamReader(keys: keys)
    }

    /// Decompresses a whole stream; nil where it is none.
    ///
    /// - Parameters:
    ///   - stream: the stream as a blob of its own.
    ///   - tags: its chunk tags, made of verified bytes.
    ///   - goOn: called for each piece of the content; what it throws ends the audit.
    /// - Throws: `damaged` for a stream that is not sound.
    func content(
        of stream: SealedBlob, file: OwnedDescriptor, tags: [UInt8], goOn: () throws -> Void
    ) throws -> Finding? {
        func piece(_ offset: Int64, _ count: Int) throws -> UnsafeRawBufferPointer {
            try reader.read(stream, file: file, at: offset, count: count) { chunks, memory in
                memory.copyBytes(
                    from: tags[chunks.lowerBound * Tag.byteCount..<(chunks.upperBound + 1) * Tag.byteCount])
            }
        }
        guard let table = try SeekTable(streamLength: stream.length, piece) else { return nil }
        let digest = try SHA256()
        var prefix: [UInt8] = []
        for offset in stride(from: 0, to: table.contentLength, by: Int64.Stride(StreamReader.maximumRead)) {
            let end = min(offset + Int64(StreamReader.maximumRead), table.contentLength)
            let content = try frames.read(offset..<end, of: file, table, piece)
            if offset == 0 { prefix = Array(content.prefix(BlobAudit.prefixSize)) }
            digest.update(content)
            try goOn()
        }
        let extent = BlobExtent(compressed: stream.length, of: table.contentLength)
        return Finding(id: try digest.finish(), extent: extent, prefix: prefix)
    }
}
