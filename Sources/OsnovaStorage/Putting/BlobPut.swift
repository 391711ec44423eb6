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
    /// What is sealed with, whatever key the store gets meanwhile.
    private let keys: SealingKeys
    private let sealer: BlobSealer
    private let output: SealedOutput
    /// Nil where nothing is to be compressed.
    private let trial: CompressionTrial?
    private let plain: [ScratchBuffer]
    private let cipher: ScratchBuffer

    init(store: Store, compressing: Bool) throws {
        self.store = store
        // A rekey may have begun since the store was opened.
        try store.learnKeys()
        stored = try StoredContents(store: store)
        keys = try store.keys()
        sealer = try BlobSealer(keys: keys)
        output = try SealedOutput(sealer: sealer, pieceSize: Self.pieceSize, compressing: compressing)
        trial = compressing ? try CompressionTrial(maximum: Self.pieceSize) : nil
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
        let stream = try trial?.compress(content, of: source)
        let sealed = try sealWhole(stream ?? content, id: id, compressed: stream.map { _ in Int64(content.count) })
        let incoming = try store.blobs.begin()
        try incoming.write(UnsafeRawBufferPointer(rebasing: cipher.bytes.prefix(Int(sealed.blob.fileSize))))
        let prefix = Array(content.prefix(BlobAudit.prefixSize))
        return PreparedBlob(incoming, sealed, prefix: prefix, replacesDamaged: state == .damaged)
    }

    /// Makes a whole sealed file in memory, so that it takes one call to write.
    private func sealWhole(
        _ content: UnsafeRawBufferPointer, id: ContentID, compressed length: Int64?
    ) throws -> BlobSealer.Sealed {
        try sealer.restart()
        let start = sealer.header.count
        cipher.bytes.copyBytes(from: sealer.header)
        let end = start + content.count
        try sealer.seal(content, into: UnsafeMutableRawBufferPointer(rebasing: cipher.bytes[start..<end]))
        let sealed = try sealer.finish(id: id, compressed: length)
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
        let first = UnsafeRawBufferPointer(rebasing: plain[0].bytes.prefix(firstCount))
        let prefix = Array(first.prefix(BlobAudit.prefixSize))
        let compressing = try trial?.promises(first, of: source) == true
        var (incoming, sealed) = try sealPieces(firstCount, compressing: compressing, next: source.read)
        try source.checkUnchanged(bytesRead: sealed.blob.length)
        if compressing, !CompressionTrial.isWorthIt(sealed.blob.sealedLength, of: sealed.blob.length) {
            (incoming, sealed) = try sealAgain(sealed, incoming)
        }
        let isDamaged = try stored.state(of: sealed.blob.id) == .damaged
        return PreparedBlob(incoming, sealed, prefix: prefix, replacesDamaged: isDamaged)
    }

    /// Seals a content of which the first piece was read.
    private func sealPieces(
        _ firstCount: Int, compressing: Bool, next: (UnsafeMutableRawBufferPointer) throws -> Int
    ) throws -> (IncomingBlob, BlobSealer.Sealed) {
        let digest = try StreamDigest()
        defer { digest.waitForAll() }
        let incoming = try store.blobs.begin()
        try output.start(incoming, compressing: compressing)
        var turn = 0
        var count = firstCount
        while count > 0 {
            let piece = UnsafeRawBufferPointer(rebasing: plain[turn].bytes.prefix(count))
            digest.update(piece)
            try output.write(piece, to: incoming)
            guard count == Self.pieceSize else { break }
            turn = 1 - turn
            // This piece's digest may still run while the next piece is read; the other buffer's must not.
            digest.waitForAllButLast()
            count = try next(plain[turn].bytes)
        }
        return (incoming, try output.finish(id: digest.finish(), to: incoming))
    }

    /// Seals a content as it is whose samples promised too much; it comes from its file, since a stream is read once.
    private func sealAgain(
        _ sealed: BlobSealer.Sealed, _ compressed: IncomingBlob
    ) throws -> (IncomingBlob, BlobSealer.Sealed) {
        let reader = try BlobReader(keys: keys)
        var offset: Int64 = 0
        func next(_ memory: UnsafeMutableRawBufferPointer) throws -> Int {
            let piece = try reader.read(
                sealed.blob, file: compressed.content, at: offset, count: memory.count
            ) { chunks, target in
                target.copyBytes(
                    from: sealed.tags[chunks.lowerBound * Tag.byteCount..<(chunks.upperBound + 1) * Tag.byteCount])
            }
            memory.copyMemory(from: piece)
            offset += Int64(piece.count)
            return piece.count
        }
        return try sealPieces(next(plain[0].bytes), compressing: false, next: next)
    }
}

extension PreparedBlob {
    /// A file that was just sealed and has no name yet.
    fileprivate init(_ incoming: IncomingBlob, _ sealed: BlobSealer.Sealed, prefix: [UInt8], replacesDamaged: Bool) {
        let record = VerifiedBlob(
            id: sealed.blob.id, extent: sealed.blob.extent, nonce: sealed.blob.nonce.bytes, tags: sealed.tags,
            mediaType: MediaType(prefix: prefix), generation: sealed.blob.generation)
        self.init(
            id: sealed.blob.id, size: sealed.blob.length, sealed: (incoming, record), replacesDamaged: replacesDamaged)
    }
}
