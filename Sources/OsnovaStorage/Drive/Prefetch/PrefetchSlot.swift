internal import Primitives
internal import Sealing

/// Memory for the beginning of one blob, verified and decrypted before anybody asks for it.
///
/// `@unchecked Sendable` holds because ``Prefetch`` guards all but the content, which its thread writes while the state says
/// `filling`, and others read while it is lent.
final class PrefetchSlot: @unchecked Sendable {
    /// Bytes of a blob that are fetched, at most.
    static let capacity = 256 << 10

    enum State {
        case empty
        case filling
        case ready
    }

    var state = State.empty
    var row: Int64 = 0
    /// Threads that answer from the content.
    var borrowers = 0
    /// Whether the blob is gone from the store, so that nothing may keep its file.
    var isForgotten = false

    private var readers: SealedReaders?
    private var content = UnsafeRawBufferPointer(start: nil, count: 0)
    private(set) var blob: OpenBlob?

    /// Reads the beginning of a blob.
    ///
    /// - Parameters:
    ///   - make: makes readers for this slot alone: the content stays in their memory.
    ///   - tags: gives the tags of chunks of the blob.
    func fill(
        from blob: OpenBlob, readers make: () throws -> SealedReaders,
        tags: (ClosedRange<Int>, UnsafeMutableRawBufferPointer) throws -> Void
    ) throws {
        let readers = try self.readers ?? make()
        self.readers = readers
        content = try readers.reader(for: blob.blob.generation)
            .read(blob.blob, file: blob.file, at: 0, count: Self.capacity, tags: tags)
        self.blob = blob
    }

    /// The bytes from `offset`, at most `count` and less at the blob's end; nil where they are not all here.
    func bytes(at offset: Int64, count: Int) -> UnsafeRawBufferPointer? {
        guard let blob, let start = Int(exactly: offset), content.indices.contains(start), count > 0 else { return nil }
        let rest = content[start...]
        guard count <= rest.count || content.count == blob.blob.length else { return nil }
        return UnsafeRawBufferPointer(rebasing: rest.prefix(count))
    }

    /// All bytes of the blob; nil where it has more than are here, or none.
    var wholeContent: UnsafeRawBufferPointer? {
        content.isEmpty || Int64(content.count) != blob?.blob.length ? nil : content
    }

    /// Empties the slot; what is returned closes the blob's file when it is let go of.
    func clear() -> OpenBlob? {
        defer { blob = nil }
        state = .empty
        isForgotten = false
        content = UnsafeRawBufferPointer(start: nil, count: 0)
        return blob
    }
}
