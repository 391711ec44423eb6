internal import Primitives

/// Makes and checks the chunk tags of `docs/format.md`: Poly1305 under a one-time key `(r, s)` for each chunk.
///
/// `r` comes from the nonce and the chunk number alone, so hashing needs no second pass; `s`, the pad, also from the
/// content's SHA-256 and length, which are known when the pass ends. Used by one thread at a time.
final class ChunkTags {
    /// A tag before its pad is added: worthless to anyone, never stored.
    struct Unpadded {
        fileprivate let sum: Tag
    }

    private static let blocksAtOnce = 8
    private static let tagsPerBlock = ChaCha20.blockSize / Tag.byteCount

    private let keys: SealingKeys
    private let cipher: ChaCha20
    private let authenticator: Poly1305
    private let padKey: SecretScratch
    private var padKeyOwner: SealedBlob?
    private let oneTimeKey: SecretScratch
    private let hashStream: SecretScratch
    private let padStream: SecretScratch

    init(keys: SealingKeys) throws {
        self.keys = keys
        cipher = try ChaCha20()
        authenticator = try Poly1305()
        padKey = try SecretScratch(count: ChaCha20.keySize)
        oneTimeKey = try SecretScratch(count: Poly1305.keySize)
        hashStream = try SecretScratch(count: Self.blocksAtOnce * ChaCha20.blockSize)
        padStream = try SecretScratch(count: Self.blocksAtOnce * ChaCha20.blockSize)
    }

    // MARK: Making, in one pass

    /// Starts the tag of a chunk whose content's SHA-256 is not known yet.
    func start(chunk: Int, nonce: Nonce) throws {
        try fill(hashStream, key: keys.chunkHash, nonce: nonce, from: chunk, count: 1)
        oneTimeKey.bytes.initializeMemory(as: UInt8.self, repeating: 0)
        oneTimeKey.bytes.copyMemory(from: entry(0, of: hashStream, startingAt: chunk))
        try authenticator.start(key: UnsafeRawBufferPointer(oneTimeKey.bytes))
    }

    func update(_ ciphertext: UnsafeRawBufferPointer) { authenticator.update(ciphertext) }

    func finish() throws -> Unpadded { Unpadded(sum: try authenticator.finish()) }

    /// The tags of a whole blob, now that all of it is known.
    func pad(_ tags: [Unpadded], for blob: SealedBlob) throws -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(tags.count * Tag.byteCount)
        let step = Self.blocksAtOnce * Self.tagsPerBlock
        for first in stride(from: 0, to: tags.count, by: step) {
            let count = min(step, tags.count - first)
            try fillPads(for: blob, from: first, count: count)
            for index in 0..<count {
                let pad = Tag(entry(index, of: padStream, startingAt: first))
                tags[first + index].sum.adding(pad).withUnsafeBytes { bytes.append(contentsOf: $0) }
            }
        }
        return bytes
    }

    // MARK: Checking

    /// The chunks that one call of `firstMismatch` takes at most.
    static let checkedAtOnce = (blocksAtOnce - 1) * tagsPerBlock

    /// The number of the first chunk whose ciphertext does not have its tag; nil when all have.
    ///
    /// - Parameters:
    ///   - ciphertext: the chunks' bytes as they lie in the file; the final chunk with the file's own tag.
    ///   - chunks: at most ``checkedAtOnce``.
    ///   - tags: 16 bytes a chunk.
    func firstMismatch(
        in ciphertext: UnsafeRawBufferPointer, chunks: ClosedRange<Int>, of blob: SealedBlob,
        tags: UnsafeRawBufferPointer
    ) throws -> Int? {
        try fill(hashStream, key: keys.chunkHash, nonce: blob.nonce, from: chunks.lowerBound, count: chunks.count)
        try fillPads(for: blob, from: chunks.lowerBound, count: chunks.count)
        let final = SealedLayout.chunkCount(ofLength: blob.sealedLength) - 1
        for (index, chunk) in chunks.enumerated() {
            let start = index * Int(SealedLayout.chunkSize)
            let end = chunk == final ? ciphertext.count : start + Int(SealedLayout.chunkSize)
            oneTimeKey.bytes.copyMemory(from: entry(index, of: hashStream, startingAt: chunks.lowerBound))
            UnsafeMutableRawBufferPointer(rebasing: oneTimeKey.bytes[Tag.byteCount...])
                .copyMemory(from: entry(index, of: padStream, startingAt: chunks.lowerBound))
            try authenticator.start(key: UnsafeRawBufferPointer(oneTimeKey.bytes))
            authenticator.update(UnsafeRawBufferPointer(rebasing: ciphertext[start..<end]))
            let stored = Tag(UnsafeRawBufferPointer(rebasing: tags[(index * Tag.byteCount)...]))
            guard try authenticator.finish().matches(stored) else { return chunk }
        }
        return nil
    }

    // MARK: Streams of 16 bytes a chunk

    private func fillPads(for blob: SealedBlob, from chunk: Int, count: Int) throws {
        if padKeyOwner != blob {
            padKeyOwner = nil
            var info: [UInt8] = []
            info.reserveCapacity(ContentID.byteCount + ChaCha20.nonceSize + 24)
            blob.id.withUnsafeBytes { info.append(contentsOf: $0) }
            blob.nonce.withUnsafeBytes { info.append(contentsOf: $0) }
            withUnsafeBytes(of: blob.sealedLength.littleEndian) { info.append(contentsOf: $0) }
            // Without these, a forged row could pass a compressed stream off as the content.
            if blob.extent.encoding != .plain {
                withUnsafeBytes(of: blob.extent.encoding.rawValue.littleEndian) { info.append(contentsOf: $0) }
                withUnsafeBytes(of: blob.length.littleEndian) { info.append(contentsOf: $0) }
            }
            try HKDF.derive(from: keys.chunkPad, info: info, into: padKey.bytes)
            padKeyOwner = blob
        }
        try fill(padStream, key: UnsafeRawBufferPointer(padKey.bytes), nonce: blob.nonce, from: chunk, count: count)
    }

    private func fill(_ stream: SecretScratch, key: SecretBytes, nonce: Nonce, from chunk: Int, count: Int) throws {
        try key.withUnsafeBytes { try fill(stream, key: $0, nonce: nonce, from: chunk, count: count) }
    }

    private func fill(
        _ stream: SecretScratch, key: UnsafeRawBufferPointer, nonce: Nonce, from chunk: Int, count: Int
    ) throws {
        let first = chunk / Self.tagsPerBlock
        let last = (chunk + count - 1) / Self.tagsPerBlock
        let bytes = UnsafeMutableRawBufferPointer(
            rebasing: stream.bytes.prefix((last - first + 1) * ChaCha20.blockSize))
        try nonce.withUnsafeBytes {
            try cipher.keystream(key: key, nonce: $0, counter: UInt32(truncatingIfNeeded: first), to: bytes)
        }
    }

    private func entry(_ index: Int, of stream: SecretScratch, startingAt chunk: Int) -> UnsafeRawBufferPointer {
        let offset = (chunk % Self.tagsPerBlock + index) * Tag.byteCount
        return UnsafeRawBufferPointer(rebasing: stream.bytes[offset..<offset + Tag.byteCount])
    }
}
