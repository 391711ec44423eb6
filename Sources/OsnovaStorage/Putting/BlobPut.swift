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
    private let sealer: BlobSealer
    private let plain: [ScratchBuffer]
    private let cipher: ScratchBuffer

    init(store: Store) throws {
        self.store = store
        // A rekey may have begun since the store was opened.
        try store.learnKeys()
        stored = try StoredContents(store: store)
        sealer = try BlobSealer(keys: store.keys())
        plain = [ScratchBuffer(count: Self.pieceSize), ScratchBuffer(count: Self.pieceSize)]
        cipher = ScratchBuffer(count: Self.pieceSize + Int(SealedLayout.overhead))
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
        let sealed = try sealWhole(content, id: id)
        let incoming = try store.blobs.begin()
        try incoming.write(UnsafeRawBufferPointer(rebasing: cipher.bytes.prefix(Int(sealed.blob.fileSize))))
        let prefix = Array(content.prefix(BlobAudit.prefixSize))
        return PreparedBlob(incoming, sealed, prefix: prefix, replacesDamaged: state == .damaged)
    }

    /// Makes a whole sealed file in memory, so that it takes one call to write.
    private func sealWhole(_ content: UnsafeRawBufferPointer, id: ContentID) throws -> BlobSealer.Sealed {
        try sealer.restart()
        let start = sealer.header.count
        cipher.bytes.copyBytes(from: sealer.header)
        let end = start + content.count
        try sealer.seal(content, into: UnsafeMutableRawBufferPointer(rebasing: cipher.bytes[start..<end]))
        let sealed = try sealer.finish(id: id)
        UnsafeMutableRawBufferPointer(rebasing: cipher.bytes[end...]).copyBytes(from: sealed.trailer)
        return sealed
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
        let digest = try StreamDigest()
        defer { digest.waitForAll() }
        try sealer.restart()
        let incoming = try store.blobs.begin()
        try sealer.header.withUnsafeBytes { try incoming.write($0) }
        let prefix = Array(plain[0].bytes.prefix(min(firstCount, BlobAudit.prefixSize)))
        var total: Int64 = 0
        var turn = 0
        var count = firstCount
        while count > 0 {
            let piece = UnsafeRawBufferPointer(rebasing: plain[turn].bytes.prefix(count))
            digest.update(piece)
            try write(piece, incoming)
            total += Int64(count)
            guard count == Self.pieceSize else { break }
            turn = 1 - turn
            // This piece's digest may still run while the next piece is read; the other buffer's must not.
            digest.waitForAllButLast()
            count = try source.read(into: plain[turn].bytes)
        }
        try source.checkUnchanged(bytesRead: total)
        let id = try digest.finish()
        let sealed = try sealer.finish(id: id)
        try sealed.trailer.withUnsafeBytes { try incoming.write($0) }
        let isDamaged = try stored.state(of: id) == .damaged
        return PreparedBlob(incoming, sealed, prefix: prefix, replacesDamaged: isDamaged)
    }

    private func write(_ piece: UnsafeRawBufferPointer, _ incoming: IncomingBlob) throws {
        let output = UnsafeMutableRawBufferPointer(rebasing: cipher.bytes.prefix(piece.count))
        try sealer.seal(piece, into: output)
        try incoming.write(UnsafeRawBufferPointer(output))
    }
}

extension PreparedBlob {
    /// A file that was just sealed and has no name yet.
    fileprivate init(_ incoming: IncomingBlob, _ sealed: BlobSealer.Sealed, prefix: [UInt8], replacesDamaged: Bool) {
        let record = VerifiedBlob(
            id: sealed.blob.id, size: sealed.blob.length, nonce: sealed.blob.nonce.bytes, tags: sealed.tags,
            mediaType: MediaType(prefix: prefix), generation: sealed.blob.generation)
        self.init(
            id: sealed.blob.id, size: sealed.blob.length, sealed: (incoming, record), replacesDamaged: replacesDamaged)
    }
}
