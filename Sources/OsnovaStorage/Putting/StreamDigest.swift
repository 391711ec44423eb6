internal import Dispatch
internal import Primitives

/// SHA-256 on a second core, beside the cipher that works on the same plaintext.
///
/// Used by one thread at a time; `@unchecked Sendable` holds because the digest is used on one serial queue only.
final class StreamDigest: @unchecked Sendable {
    private let digest: SHA256
    private let queue = DispatchQueue(label: "osnovafs.digest")
    /// Pieces that may be unfinished: the last two that were handed over.
    private var last = DispatchGroup()
    private var beforeLast = DispatchGroup()

    /// A piece of memory that its owner leaves alone until a wait for it has returned.
    private struct Piece: @unchecked Sendable {
        let bytes: UnsafeRawBufferPointer
    }

    init() throws {
        digest = try SHA256()
    }

    /// Takes in a piece; the memory must stay as it is until a wait for it has returned.
    func update(_ bytes: UnsafeRawBufferPointer) {
        let piece = Piece(bytes: bytes)
        beforeLast = last
        last = DispatchGroup()
        queue.async(group: last) { self.digest.update(piece.bytes) }
    }

    /// Waits until every piece but the last is taken in.
    func waitForAllButLast() { beforeLast.wait() }

    /// Waits until every piece is taken in.
    func waitForAll() { queue.sync {} }

    /// The digest of all pieces.
    func finish() throws -> ContentID {
        try queue.sync { try digest.finish() }
    }
}
