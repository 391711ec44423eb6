/// What of a content was sealed; the raw values are in the database.
public enum BlobEncoding: Int64, Sendable {
    /// The content itself, as the seed has it.
    case plain = 0
    /// The content in zstd's seekable format (docs/format.md §2).
    case zstd = 1
}

/// How long a blob is: to who reads it, and on the disk.
public struct BlobExtent: Hashable, Sendable {
    /// Bytes of the content, whose SHA-256 is the blob's name.
    public let length: Int64
    /// What was sealed.
    public let encoding: BlobEncoding
    /// Bytes of what was sealed: the content's, or those of its compressed stream.
    public let sealedLength: Int64

    /// A content that was sealed as it is.
    public init(plain length: Int64) {
        self.length = length
        encoding = .plain
        sealedLength = length
    }

    /// A content of `length` bytes that was sealed as a compressed stream of `sealedLength` bytes.
    public init(compressed sealedLength: Int64, of length: Int64) {
        self.length = length
        encoding = .zstd
        self.sealedLength = sealedLength
    }
}
