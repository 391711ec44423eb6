internal import Blobs
internal import Catalog
internal import Primitives
internal import Sealing
internal import Tree

/// Content that was sealed into a file without a name, or found to be stored already.
struct PreparedBlob {
    let id: ContentID
    let size: Int64
    /// The file and what is to be recorded of it; nil for content that is stored already.
    let sealed: (incoming: IncomingBlob, record: VerifiedBlob)?
    /// Whether a file of that name is there and is known to be damaged.
    let replacesDamaged: Bool
}

/// Seals plaintexts one after another, in constant memory.
///
/// Used by one thread at a time.
final class BlobPut {
    /// A piece of plaintext; a smaller file is hashed before it is sealed, so that known content costs no writing.
    private static let pieceSize = 16 * Int(SealedLayout.chunkSize)

    /// Shared with whoever names what was put.
    let stored: StoredContents
    private let store: Store
    private let keys: SealingKeys
    private let plain: [ScratchBuffer]
    private let cipher: ScratchBuffer

    init(store: Store) throws {
        self.store = store
        stored = try StoredContents(store: store)
        keys = try store.keys()
        plain = [ScratchBuffer(count: Self.pieceSize), ScratchBuffer(count: Self.pieceSize)]
        cipher = ScratchBuffer(count: Self.pieceSize)
    }

    /// Reads a plaintext to its end and seals it unless it is stored already.
    func prepare(_ source: PlainSource) throws -> PreparedBlob {
        let firstCount = try source.read(into: plain[0].bytes)
        if firstCount < Self.pieceSize {
            let content = UnsafeRawBufferPointer(rebasing: plain[0].bytes.prefix(firstCount))
            return try prepareSmall(content, source)
        }
        if let size = source.size, try store.catalog.read({ try $0.hasBlob(ofSize: size) }) {
            if let known = try prepareKnown(source, firstCount: firstCount) { return known }
            try source.rewind()
            return try prepareLarge(source, firstCount: try source.read(into: plain[0].bytes))
        }
        return try prepareLarge(source, firstCount: firstCount)
    }

    private func prepareSmall(_ content: UnsafeRawBufferPointer, _ source: PlainSource) throws -> PreparedBlob {
        try source.checkUnchanged(bytesRead: Int64(content.count))
        let id = try SHA256.digest(content)
        let state = try stored.state(of: id)
        if state == .sound {
            return PreparedBlob(id: id, size: Int64(content.count), sealed: nil, replacesDamaged: false)
        }
        let sealer = try BlobSealer(keys: keys)
        let incoming = try store.blobs.begin()
        try sealer.header.withUnsafeBytes { try incoming.write($0) }
        try write(content, sealer, incoming)
        return try finish(sealer, incoming, id: id, prefix: Array(content.prefix(BlobAudit.prefixSize)))
    }

    /// Hashes a file whose size another blob has: if it is that blob's content, nothing needs to be written.
    private func prepareKnown(_ source: PlainSource, firstCount: Int) throws -> PreparedBlob? {
        let digest = try SHA256()
        var total: Int64 = 0
        var count = firstCount
        while count > 0 {
            digest.update(UnsafeRawBufferPointer(rebasing: plain[0].bytes.prefix(count)))
            total += Int64(count)
            count = try source.read(into: plain[0].bytes)
        }
        try source.checkUnchanged(bytesRead: total)
        let id = try digest.finish()
        guard try stored.state(of: id) == .sound else { return nil }
        return PreparedBlob(id: id, size: total, sealed: nil, replacesDamaged: false)
    }

    private func prepareLarge(_ source: PlainSource, firstCount: Int) throws -> PreparedBlob {
        let sealer = try BlobSealer(keys: keys)
        let digest = try StreamDigest()
        defer { digest.wait() }
        let incoming = try store.blobs.begin()
        try sealer.header.withUnsafeBytes { try incoming.write($0) }
        let prefix = Array(plain[0].bytes.prefix(min(firstCount, BlobAudit.prefixSize)))
        var total: Int64 = 0
        var turn = 0
        var count = firstCount
        while count > 0 {
            let piece = UnsafeRawBufferPointer(rebasing: plain[turn].bytes.prefix(count))
            digest.update(piece)
            try write(piece, sealer, incoming)
            total += Int64(count)
            turn = 1 - turn
            // The other buffer's digest may still run; this one's does, while the next piece is read.
            digest.wait()
            count = count < Self.pieceSize ? 0 : try source.read(into: plain[turn].bytes)
        }
        try source.checkUnchanged(bytesRead: total)
        return try finish(sealer, incoming, id: try digest.finish(), prefix: prefix)
    }

    private func write(_ piece: UnsafeRawBufferPointer, _ sealer: BlobSealer, _ incoming: IncomingBlob) throws {
        let output = UnsafeMutableRawBufferPointer(rebasing: cipher.bytes.prefix(piece.count))
        try sealer.seal(piece, into: output)
        try incoming.write(UnsafeRawBufferPointer(output))
    }

    private func finish(
        _ sealer: BlobSealer, _ incoming: IncomingBlob, id: ContentID, prefix: [UInt8]
    ) throws -> PreparedBlob {
        let sealed = try sealer.finish(id: id)
        try sealed.trailer.withUnsafeBytes { try incoming.write($0) }
        let record = VerifiedBlob(
            id: id, size: sealed.blob.length, nonce: sealed.blob.nonce.bytes, tags: sealed.tags,
            mediaType: MediaType(prefix: prefix))
        return PreparedBlob(
            id: id, size: sealed.blob.length, sealed: (incoming, record),
            replacesDamaged: try stored.state(of: id) == .damaged)
    }
}
