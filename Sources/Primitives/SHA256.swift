internal import COpenSSL
internal import CSHA256

/// Streaming SHA-256 (FIPS 180-4).
///
/// By libcrypto's low-level functions, because several digests at once need to get at their states.
/// Used by one thread at a time.
public final class SHA256 {
    private static let blockSize = 64

    private let context = UnsafeMutablePointer<SHA256_CTX>.allocate(capacity: 1)

    /// Starts a digest.
    public init() throws {
        try start()
    }

    deinit { context.deallocate() }

    private func start() throws {
        guard SHA256_Init(context) == 1 else { throw OsnovaError(.unavailable, "libcrypto offers no SHA-256") }
    }

    /// Takes in more of the message.
    public func update(_ bytes: UnsafeRawBufferPointer) {
        SHA256_Update(context, bytes.baseAddress, bytes.count)
    }

    /// The digest of everything taken in; the object starts a new message.
    public func finish() throws -> ContentID {
        var digest = [UInt8](repeating: 0, count: ContentID.byteCount)
        guard SHA256_Final(&digest, context) == 1, let id = ContentID(bytes: digest) else {
            throw OsnovaError(.unavailable, "libcrypto failed a SHA-256")
        }
        try start()
        return id
    }

    /// The digest of one piece of memory.
    public static func digest(_ bytes: UnsafeRawBufferPointer) throws -> ContentID {
        let hash = try SHA256()
        hash.update(bytes)
        return try hash.finish()
    }
}

// MARK: - Several at once

extension SHA256 {
    private static let hasLanes = osnova_sha256_has_lanes() != 0

    /// The messages that can be taken in at once, at most.
    static let mostLanes = Int(osnova_sha256_most_lanes)

    /// Takes in as much of several messages at once as there is of each, up to twice as fast as one after the other.
    ///
    /// - Parameter messages: of different digests, at most ``mostLanes``.
    /// - Returns: the bytes taken from the beginning of each piece: a multiple of 64, or 0 where this processor cannot, where
    ///   a digest is in the middle of a block, or for a single one, which libcrypto does as well.
    static func update(together messages: [(digest: SHA256, bytes: UnsafeRawBufferPointer)]) -> Int {
        let blocks = (messages.map(\.bytes.count).min() ?? 0) / blockSize
        guard hasLanes, blocks > 0, 2...mostLanes ~= messages.count, messages.allSatisfy({ $0.digest.isBetweenBlocks })
        else { return 0 }
        osnova_sha256_lanes(
            messages.map(\.digest.state), messages.map { $0.bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) },
            Int32(messages.count), UInt(blocks))
        for message in messages { message.digest.count(blocks * blockSize) }
        return blocks * blockSize
    }

    private var isBetweenBlocks: Bool { context.pointee.num == 0 }

    /// The words H0…H7: what the context begins with.
    private var state: UnsafeMutablePointer<UInt32>? {
        UnsafeMutableRawPointer(context).assumingMemoryBound(to: UInt32.self)
    }

    /// Adds to the length of the message, which the context keeps in bits, in two words.
    private func count(_ bytes: Int) {
        let bits = (UInt64(context.pointee.Nh) << 32 | UInt64(context.pointee.Nl)) &+ UInt64(bytes) &* 8
        context.pointee.Nl = UInt32(truncatingIfNeeded: bits)
        context.pointee.Nh = UInt32(truncatingIfNeeded: bits >> 32)
    }
}
