public import Primitives

/// What fixes a sealed file's bytes and its chunk tags; the key by its number alone.
public struct SealedBlob: Hashable, Sendable {
    /// The SHA-256 of the content.
    public let id: ContentID
    /// The nonce in the file's first bytes.
    public let nonce: Nonce
    /// How long the content is and what of it was sealed; no length is over ``SealedLayout/maximumLength``.
    public let extent: BlobExtent
    /// The number of the key: ``SealingKeys/generation``.
    public let generation: Int64

    /// Bytes of the content.
    public var length: Int64 { extent.length }
    /// Bytes of what was sealed, and so of the ciphertext.
    public var sealedLength: Int64 { extent.sealedLength }
    /// Bytes of the sealed file.
    public var fileSize: Int64 { sealedLength + SealedLayout.overhead }

    /// Names a sealed file; nil where no blob has those lengths.
    ///
    /// Only the content whose SHA-256 is that of nothing has no bytes: there would be no chunk tag to find a forged length
    /// of zero by.
    public init?(id: ContentID, nonce: Nonce, extent: BlobExtent, generation: Int64 = 0) {
        let possible = (id == Self.nothing && extent.encoding == .plain ? 0 : 1)...SealedLayout.maximumLength
        guard possible.contains(extent.length), possible.contains(extent.sealedLength) else { return nil }
        self.id = id
        self.nonce = nonce
        self.extent = extent
        self.generation = generation
    }

    private static let nothing = try? SHA256.digest(UnsafeRawBufferPointer(start: nil, count: 0))

    /// Names the sealed file of a content that was sealed as it is.
    public init?(id: ContentID, nonce: Nonce, length: Int64, generation: Int64 = 0) {
        self.init(id: id, nonce: nonce, extent: BlobExtent(plain: length), generation: generation)
    }
}

extension BlobExtent {
    /// Bytes of the sealed file; from a forged row, any number.
    public var fileSize: Int64 { sealedLength &+ SealedLayout.overhead }
}

/// The 12 bytes of an RFC 8439 nonce.
public struct Nonce: Hashable, Sendable {
    private var words: (UInt64, UInt32) = (0, 0)

    /// Stands where none was drawn yet; seals nothing.
    static let zero = Nonce()

    private init() {}

    /// Takes the first 12 bytes of memory that holds at least so many.
    public init(_ bytes: UnsafeRawBufferPointer) {
        words = (bytes.loadUnaligned(as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
    }

    /// Takes 12 bytes; nil for any other count.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == ChaCha20.nonceSize else { return nil }
        self = bytes.withUnsafeBytes { Nonce($0) }
    }

    /// Twelve bytes from the operating system's generator.
    public static func random() throws -> Nonce {
        var bytes = [UInt8](repeating: 0, count: ChaCha20.nonceSize)
        try bytes.withUnsafeMutableBytes { try Sodium.randomize($0) }
        return bytes.withUnsafeBytes { Nonce($0) }
    }

    /// Calls `body` with the 12 bytes.
    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try Swift.withUnsafeBytes(of: words) {
            try body(UnsafeRawBufferPointer(rebasing: $0.prefix(ChaCha20.nonceSize)))
        }
    }

    /// The 12 bytes.
    public var bytes: [UInt8] { withUnsafeBytes { [UInt8]($0) } }

    /// Whether both are the same 12 bytes.
    public static func == (left: Nonce, right: Nonce) -> Bool { left.words == right.words }

    /// Hashes the first bytes.
    public func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}
