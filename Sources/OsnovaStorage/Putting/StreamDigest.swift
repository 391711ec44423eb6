internal import Dispatch
internal import Primitives

/// SHA-256 on a second core, beside the cipher that works on the same plaintext.
///
/// `@unchecked Sendable` holds because the digest is used on one serial queue only.
final class StreamDigest: @unchecked Sendable {
    private let digest: SHA256
    private let queue = DispatchQueue(label: "osnovafs.digest")

    /// A piece of memory that its owner leaves alone until `wait` returns.
    private struct Piece: @unchecked Sendable {
        let bytes: UnsafeRawBufferPointer
    }

    init() throws {
        digest = try SHA256()
    }

    /// Takes in a piece; the memory must stay as it is until `wait` returns.
    func update(_ bytes: UnsafeRawBufferPointer) {
        let piece = Piece(bytes: bytes)
        queue.async { self.digest.update(piece.bytes) }
    }

    /// Waits until every piece is taken in.
    func wait() { queue.sync {} }

    /// The digest of all pieces.
    func finish() throws -> ContentID {
        try queue.sync { try digest.finish() }
    }
}
