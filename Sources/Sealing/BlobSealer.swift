public import Primitives

/// Seals a plaintext as a stream: ciphertext, file tag and chunk tags in a single pass; then another one.
///
/// Write ``header``, then each piece's ciphertext, then the trailer that ``finish(id:)`` returns. The digest is the
/// caller's, so that it can run on another core. Used by one thread at a time.
public final class BlobSealer {
    /// A finished sealing.
    public struct Sealed: Sendable {
        /// Identity, nonce and length.
        public let blob: SealedBlob
        /// The file's last 16 bytes.
        public let trailer: [UInt8]
        /// 16 bytes for each 64 KiB, to be kept beside the file.
        public let tags: [UInt8]
    }

    private let keys: SealingKeys
    private var nonce: Nonce
    private let cipher: ChaCha20
    private let pass: CiphertextPass
    private var length: Int64 = 0

    /// Starts a sealing under a fresh random nonce.
    public convenience init(keys: SealingKeys) throws {
        try self.init(keys: keys, nonce: .random())
    }

    /// Starts a sealing under a given nonce, which must never have sealed other content: for test vectors.
    package init(keys: SealingKeys, nonce: Nonce) throws {
        self.keys = keys
        self.nonce = nonce
        cipher = try ChaCha20()
        pass = try CiphertextPass(keys: keys, cipher: cipher)
        try pass.start(nonce: nonce)
    }

    /// Starts another sealing under a fresh random nonce, whatever became of the one before.
    public func restart() throws {
        nonce = try .random()
        length = 0
        try pass.start(nonce: nonce)
    }

    /// The file's first 12 bytes.
    public var header: [UInt8] { nonce.bytes }

    /// Encrypts the next piece of plaintext; `ciphertext` may be the same memory.
    ///
    /// - Parameters:
    ///   - plaintext: a multiple of 64 KiB, except for the last piece.
    ///   - ciphertext: as long as the plaintext.
    /// - Throws: `usage` for a plaintext that grows beyond ``SealedLayout/maximumLength``.
    public func seal(_ plaintext: UnsafeRawBufferPointer, into ciphertext: UnsafeMutableRawBufferPointer) throws {
        guard length % SealedLayout.chunkSize == 0, ciphertext.count == plaintext.count else {
            throw OsnovaError(.usage, "a sealed piece follows a piece that was not a multiple of 64 KiB")
        }
        guard Int64(plaintext.count) <= SealedLayout.maximumLength - length else {
            throw OsnovaError(.usage, "a blob holds at most 256 GiB - 64 bytes")
        }
        let step = Int(SealedLayout.chunkSize)
        for start in stride(from: 0, to: plaintext.count, by: step) {
            let range = start..<min(start + step, plaintext.count)
            let output = UnsafeMutableRawBufferPointer(rebasing: ciphertext[range])
            try keys.blob.withUnsafeBytes { key in
                try nonce.withUnsafeBytes {
                    try cipher.apply(
                        key: key, nonce: $0, counter: UInt32(truncatingIfNeeded: 1 + length / 64),
                        from: UnsafeRawBufferPointer(rebasing: plaintext[range]), to: output)
                }
            }
            try pass.absorb(chunk: UnsafeRawBufferPointer(output))
            length += Int64(range.count)
        }
    }

    /// Ends the sealing of the content whose SHA-256 is `id`.
    ///
    /// - Parameter contentLength: bytes of the content, where what was sealed is its compressed stream; nil where it is
    ///   the content itself.
    public func finish(id: ContentID, compressed contentLength: Int64? = nil) throws -> Sealed {
        let trailer = try pass.finishWhole()
        let extent = contentLength.map { BlobExtent(compressed: length, of: $0) } ?? BlobExtent(plain: length)
        guard let blob = SealedBlob(id: id, nonce: nonce, extent: extent, generation: keys.generation) else {
            throw OsnovaError(.usage, "a blob holds at most 256 GiB - 64 bytes")
        }
        return Sealed(blob: blob, trailer: trailer.withUnsafeBytes { [UInt8]($0) }, tags: try pass.tags(for: blob))
    }
}
