internal import CChaCha20Poly1305
internal import COpenSSL

/// The one-time authenticator Poly1305 of RFC 8439 §2.5.
///
/// Used by one thread at a time.
public final class Poly1305 {
    /// Bytes in a one-time key: `r` then `s`, 16 each.
    public static let keySize = 32

    private enum State {
        /// By AVX-512, in guarded memory.
        case wide(SecretScratch)
        case library(LibraryPoly1305)
    }

    private let state: State

    /// Readies an authenticator.
    ///
    /// - Throws: `unavailable` where there is no memory for it, or where libcrypto lacks what it needs.
    public convenience init() throws {
        try self.init(byLibrary: osnova_poly1305_is_possible() == 0)
    }

    /// Readies one that is libcrypto's, or one that is ours, which needs a processor that can.
    init(byLibrary: Bool) throws {
        state =
            byLibrary
            ? .library(try LibraryPoly1305())
            : .wide(try SecretScratch(count: osnova_poly1305_state_size))
    }

    /// Starts a message under a one-time key of 32 bytes.
    public func start(key: UnsafeRawBufferPointer) throws {
        guard key.count == Self.keySize else { throw OsnovaError(.usage, "Poly1305 takes 32 bytes of key") }
        switch state {
        case .wide(let memory): osnova_poly1305_start(memory.bytes.baseAddress, key.baseAddress)
        case .library(let authenticator): try authenticator.start(key: key)
        }
    }

    /// Takes in more of the message.
    public func update(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 0 else { return }
        switch state {
        case .wide(let memory):
            osnova_poly1305_update(memory.bytes.baseAddress, bytes.baseAddress, UInt(bytes.count))
        case .library(let authenticator): authenticator.update(bytes)
        }
    }

    /// The tag of everything taken in since `start`.
    public func finish() throws -> Tag {
        var tag = Tag.zero
        try withUnsafeMutableBytes(of: &tag) {
            switch state {
            case .wide(let memory): osnova_poly1305_finish(memory.bytes.baseAddress, $0.baseAddress)
            case .library(let authenticator): try authenticator.finish(into: $0)
            }
        }
        return tag
    }
}

/// libcrypto's Poly1305.
private final class LibraryPoly1305 {
    private let context: OpaquePointer

    init() throws {
        guard let algorithm = EVP_MAC_fetch(nil, "POLY1305", nil) else { throw Self.failure }
        defer { EVP_MAC_free(algorithm) }
        guard let context = EVP_MAC_CTX_new(algorithm) else { throw Self.failure }
        self.context = context
    }

    deinit { EVP_MAC_CTX_free(context) }

    func start(key: UnsafeRawBufferPointer) throws {
        let start = key.baseAddress?.assumingMemoryBound(to: UInt8.self)
        guard EVP_MAC_init(context, start, key.count, nil) == 1 else { throw Self.failure }
    }

    func update(_ bytes: UnsafeRawBufferPointer) {
        EVP_MAC_update(context, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
    }

    func finish(into tag: UnsafeMutableRawBufferPointer) throws {
        var written = 0
        let start = tag.baseAddress?.assumingMemoryBound(to: UInt8.self)
        guard EVP_MAC_final(context, start, &written, tag.count) == 1, written == tag.count else { throw Self.failure }
    }

    private static var failure: OsnovaError { OsnovaError(.unavailable, "libcrypto offers no Poly1305") }
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
