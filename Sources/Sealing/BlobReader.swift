public import Primitives

/// Reads any range of a content, each byte verified in the same read.
///
/// A read costs the chunks that it touches, of a compressed blob those of the frames around it, whatever the blob's length.
/// Used by one thread at a time.
public final class BlobReader {
    /// Puts the tags of a run of chunks, 16 bytes each, into memory.
    public typealias TagSource = (ClosedRange<Int>, UnsafeMutableRawBufferPointer) throws -> Void

    /// The most bytes that one read returns.
    public static let maximumRead = StreamReader.maximumRead

    private let stream: StreamReader
    private let frames = FrameReader()
    private let tables: SeekTableCache

    /// Readies a reader that can be used for one file after another.
    ///
    /// - Parameter tables: what several readers of the same blobs share.
    public init(keys: SealingKeys, tables: SeekTableCache = SeekTableCache()) throws {
        stream = try StreamReader(keys: keys)
        self.tables = tables
    }

    /// The content from `offset`, at most `count` bytes and less at the end; valid until the next call.
    ///
    /// - Parameters:
    ///   - blob: what the tags were made for.
    ///   - file: an open descriptor.
    ///   - offset: bytes into the content; behind its end, which is verified then, lies nothing.
    ///   - count: bytes wanted; more than ``maximumRead`` reads so many.
    ///   - source: called with the chunks that the range touches, for a compressed blob several times.
    /// - Throws: `damaged` where a chunk does not have its tag, `inputOutput` where the disk fails.
    public func read(
        _ blob: SealedBlob, file: OwnedDescriptor, at offset: Int64, count: Int, tags source: TagSource
    ) throws -> UnsafeRawBufferPointer {
        do {
            if offset >= blob.length { return try readEnd(blob, file: file, tags: source) }
            switch blob.extent.encoding {
            case .plain: return try stream.read(blob, file: file, at: offset, count: count, tags: source)
            case .zstd: return try readCompressed(blob, file: file, at: offset, count: count, tags: source)
            }
        } catch let error as OsnovaError where error.kind == .damaged {
            throw OsnovaError.damaged("blob \(blob.id) is damaged: \(error.message)")
        }
    }

    /// Nothing, once it is certain that the content ends there: a forged row may say so of any place, and whoever believes
    /// it would take a cut content for a whole one.
    private func readEnd(
        _ blob: SealedBlob, file: OwnedDescriptor, tags source: TagSource
    ) throws -> UnsafeRawBufferPointer {
        _ = try stream.read(blob, file: file, at: blob.sealedLength - 1, count: 1, tags: source)
        return UnsafeRawBufferPointer(start: nil, count: 0)
    }

    private func readCompressed(
        _ blob: SealedBlob, file: OwnedDescriptor, at offset: Int64, count: Int, tags source: TagSource
    ) throws -> UnsafeRawBufferPointer {
        guard offset >= 0, count > 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        let end = offset + min(Int64(min(count, Self.maximumRead)), blob.length - offset)
        func piece(_ offset: Int64, _ count: Int) throws -> UnsafeRawBufferPointer {
            try stream.read(blob, file: file, at: offset, count: count, tags: source)
        }
        return try frames.read(offset..<end, of: file, tables.table(of: blob, piece), piece)
    }

    /// What was sealed from `offset` on: of a compressed blob its stream, to be sealed anew as it is.
    ///
    /// - Parameters: as those of ``read(_:file:at:count:tags:)``, but that `offset` is one into the stream.
    public func readSealed(
        _ blob: SealedBlob, file: OwnedDescriptor, at offset: Int64, count: Int, tags source: TagSource
    ) throws -> UnsafeRawBufferPointer {
        try stream.read(blob, file: file, at: offset, count: count, tags: source)
    }
}
