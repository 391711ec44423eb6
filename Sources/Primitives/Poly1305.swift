internal import COpenSSL

/// The one-time authenticator Poly1305 of RFC 8439 §2.5.
///
/// Used by one thread at a time.
public final class Poly1305 {
    /// Bytes in a one-time key: `r` then `s`, 16 each.
    public static let keySize = 32

    private let context: OpaquePointer

    /// Readies an authenticator.
    public init() throws {
        guard let algorithm = EVP_MAC_fetch(nil, "POLY1305", nil) else {
            throw OsnovaError(.unavailable, "libcrypto offers no Poly1305")
        }
        defer { EVP_MAC_free(algorithm) }
        guard let context = EVP_MAC_CTX_new(algorithm) else {
            throw OsnovaError(.unavailable, "libcrypto offers no Poly1305")
        }
        self.context = context
    }

    deinit { EVP_MAC_CTX_free(context) }

    /// Starts a message under a one-time key of 32 bytes.
    public func start(key: UnsafeRawBufferPointer) throws {
        guard key.count == Self.keySize,
            EVP_MAC_init(context, key.baseAddress?.assumingMemoryBound(to: UInt8.self), key.count, nil) == 1
        else { throw OsnovaError(.unavailable, "libcrypto failed to start a Poly1305") }
    }

    /// Takes in more of the message.
    public func update(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress, bytes.count > 0 else { return }
        EVP_MAC_update(context, start.assumingMemoryBound(to: UInt8.self), bytes.count)
    }

    /// The tag of everything taken in since `start`.
    public func finish() throws -> Tag {
        var tag = Tag.zero
        var written = 0
        let worked = withUnsafeMutableBytes(of: &tag) {
            EVP_MAC_final(context, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), &written, $0.count) == 1
        }
        guard worked, written == Tag.byteCount else {
            throw OsnovaError(.unavailable, "libcrypto failed a Poly1305")
        }
        return tag
    }
}

/// Sixteen bytes of authenticator, as two words in memory order.
public struct Tag: Hashable, Sendable {
    /// Bytes in a tag.
    public static let byteCount = 16
    /// Sixteen zero bytes.
    public static let zero = Tag(low: 0, high: 0)

    private var low: UInt64
    private var high: UInt64

    private init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    /// Loads a tag from the first 16 bytes of memory that holds at least so many.
    public init(_ bytes: UnsafeRawBufferPointer) {
        low = bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
        high = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    }

    /// The sum modulo 2^128 of two tags read as little-endian numbers: the last step of Poly1305 (RFC 8439 §2.5.1).
    public func adding(_ other: Tag) -> Tag {
        let (lowSum, carry) = UInt64(littleEndian: low).addingReportingOverflow(UInt64(littleEndian: other.low))
        let highSum = UInt64(littleEndian: high) &+ UInt64(littleEndian: other.high) &+ (carry ? 1 : 0)
        return Tag(low: lowSum.littleEndian, high: highSum.littleEndian)
    }

    /// Compares in a time that does not depend on the bytes.
    public func matches(_ other: Tag) -> Bool {
        (low ^ other.low) | (high ^ other.high) == 0
    }

    /// Calls `body` with the 16 bytes.
    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try Swift.withUnsafeBytes(of: self, body)
    }
}
