/// The SHA-256 of a plaintext: the name of a blob.
///
/// Four words instead of an array, so that it is copied and compared without allocation.
public struct ContentID: Hashable, Sendable {
    /// Bytes in a SHA-256 digest.
    public static let byteCount = 32

    private var words: (UInt64, UInt64, UInt64, UInt64)

    /// Takes the digest's 32 bytes; nil for any other count.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        words = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: bytes) }
    }

    /// Parses 64 lower-case hexadecimal digits; nil for anything else, upper case included.
    ///
    /// For memory and not only for collections: a generic parser, called from another module, takes 2 µs a digest.
    public init?(hex: UnsafeRawBufferPointer) {
        guard hex.count == 2 * Self.byteCount else { return nil }
        words = (0, 0, 0, 0)
        let sound = withUnsafeMutableBytes(of: &words) { out in
            for index in out.indices {
                guard let high = Hexadecimal.value(of: hex[2 * index]),
                    let low = Hexadecimal.value(of: hex[2 * index + 1])
                else { return false }
                out[index] = high << 4 | low
            }
            return true
        }
        guard sound else { return nil }
    }

    /// Parses 64 lower-case hexadecimal digits; nil for anything else, upper case included.
    public init?(hex: some Collection<UInt8>) {
        guard let id = Array(hex).withUnsafeBytes({ ContentID(hex: $0) }) else { return nil }
        self = id
    }

    /// Parses 64 lower-case hexadecimal digits; nil for anything else, upper case included.
    public init?(hex: String) {
        self.init(hex: hex.utf8)
    }

    /// Calls `body` with the 32 bytes of the digest.
    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try Swift.withUnsafeBytes(of: words, body)
    }

    /// The digest as 64 lower-case hexadecimal digits.
    public var hex: String { withUnsafeBytes { Hexadecimal.string($0) } }

    /// Whether both are the digest of the same content.
    public static func == (left: ContentID, right: ContentID) -> Bool { left.words == right.words }

    /// Hashes eight of the digest's bytes, which are as random as all.
    public func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}

extension ContentID: CustomStringConvertible {
    /// The digest as 64 lower-case hexadecimal digits.
    public var description: String { hex }
}
