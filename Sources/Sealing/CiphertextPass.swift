internal import Primitives

/// One pass over a blob's ciphertext that authenticates it twice: as a whole (RFC 8439 §2.8) and chunk by chunk.
///
/// One object serves one blob after another, since guarded memory is costly to get. Used by one thread at a time.
final class CiphertextPass {
    private let keys: SealingKeys
    private let cipher: ChaCha20
    private let whole: Poly1305
    private let chunkTags: ChunkTags
    private let oneTimeKey: SecretScratch
    private var nonce = Nonce.zero
    private var finished: [ChunkTags.Unpadded] = []
    private var chunkIsOpen = false
    private var length: Int64 = 0

    init(keys: SealingKeys, cipher: ChaCha20) throws {
        self.keys = keys
        self.cipher = cipher
        whole = try Poly1305()
        chunkTags = try ChunkTags(keys: keys)
        oneTimeKey = try SecretScratch(count: Poly1305.keySize)
    }

    /// Begins a blob, whatever became of the one before.
    func start(nonce: Nonce) throws {
        self.nonce = nonce
        finished.removeAll(keepingCapacity: true)
        chunkIsOpen = false
        length = 0
        try keys.blob.withUnsafeBytes { key in
            try nonce.withUnsafeBytes { try cipher.keystream(key: key, nonce: $0, counter: 0, to: oneTimeKey.bytes) }
        }
        try whole.start(key: UnsafeRawBufferPointer(oneTimeKey.bytes))
    }

    /// Takes in more ciphertext: a multiple of 64 KiB, except for the last piece.
    func absorb(piece ciphertext: UnsafeRawBufferPointer) throws {
        let step = Int(SealedLayout.chunkSize)
        for start in stride(from: 0, to: ciphertext.count, by: step) {
            try absorb(chunk: UnsafeRawBufferPointer(rebasing: ciphertext[start..<min(start + step, ciphertext.count)]))
        }
    }

    /// Takes in the next chunk: 64 KiB, or less for the last one.
    func absorb(chunk ciphertext: UnsafeRawBufferPointer) throws {
        // A chunk stays open until it is known not to be the final one, which carries the file's tag.
        if chunkIsOpen { finished.append(try chunkTags.finish()) }
        try chunkTags.start(chunk: finished.count, nonce: nonce)
        chunkTags.update(ciphertext)
        chunkIsOpen = true
        whole.update(ciphertext)
        length += Int64(ciphertext.count)
    }

    /// The file's tag, with which the final chunk ends.
    func finishWhole() throws -> Tag {
        let padding = [UInt8](repeating: 0, count: Int((16 - length % 16) % 16))
        padding.withUnsafeBytes { whole.update($0) }
        withUnsafeBytes(of: (UInt64(0), UInt64(length).littleEndian)) { whole.update($0) }
        let tag = try whole.finish()
        if !chunkIsOpen { try chunkTags.start(chunk: 0, nonce: nonce) }
        tag.withUnsafeBytes { chunkTags.update($0) }
        finished.append(try chunkTags.finish())
        return tag
    }

    /// The chunk tags, 16 bytes each, once `finishWhole` was called and the content's SHA-256 is known.
    func tags(for blob: SealedBlob) throws -> [UInt8] {
        try chunkTags.pad(finished, for: blob)
    }
}
