public import Primitives

/// Verifies a sealed file as a whole, streaming: its RFC 8439 tag and its content's SHA-256.
///
/// What was sealed may be the content's compressed stream: nothing but its bytes tells, so it is looked for where their
/// SHA-256 is not the name.
///
/// This is what a file needs before it may have chunk tags (adoption), and what `verify` does to every file.
/// Used by one thread at a time.
public final class BlobAudit {
    /// What a sound file is.
    public struct Finding: Sendable {
        /// Identity, nonce and length.
        public let blob: SealedBlob
        /// 16 bytes for each 64 KiB.
        public let tags: [UInt8]
        /// The first bytes of the content, at most ``BlobAudit/prefixSize``.
        public let prefix: [UInt8]
    }

    /// Bytes of content that a finding shows.
    public static let prefixSize = 512
    /// Bytes of plaintext in every piece but the last.
    public static let pieceSize = 16 * Int(SealedLayout.chunkSize)

    private let keys: SealingKeys
    private let cipher: ChaCha20
    private let pass: CiphertextPass
    private let buffer: ScratchBuffer
    private let group: DigestGroup?
    private var streamAudit: StreamAudit?

    /// Readies an audit that can be run on one file after another.
    ///
    /// - Parameter group: that of the audits of other threads beside it.
    public init(keys: SealingKeys, group: DigestGroup? = nil) throws {
        self.keys = keys
        self.group = group
        cipher = try ChaCha20()
        pass = try CiphertextPass(keys: keys, cipher: cipher)
        buffer = ScratchBuffer(count: Self.pieceSize)
    }

    /// Reads a whole sealed file and checks that it holds the content named `id`.
    ///
    /// - Parameters:
    ///   - file: an open descriptor.
    ///   - progress: told the number of bytes just read, 0 where a stream is decompressed; what it throws ends the audit.
    ///   - plaintext: given what was sealed, be it the content or its compressed stream, piece by piece, each of
    ///     ``pieceSize`` except for the last; none of it may be believed before this returns.
    /// - Throws: `damaged` with the reason, `inputOutput` where the disk fails.
    public func verify(
        file: OwnedDescriptor, id: ContentID, progress: (Int) throws -> Void = { _ in },
        plaintext: (UnsafeRawBufferPointer) throws -> Void = { _ in }
    ) throws -> Finding {
        let size = try reading { try SystemCalls.status(of: file).size }
        guard let length = SealedLayout.plaintextLength(ofFile: size) else {
            throw OsnovaError.damaged("too short to be a sealed blob (\(size) bytes)")
        }
        let nonce = try read(file, count: Int(SealedLayout.nonceSize), at: 0) { Nonce($0) }
        try pass.start(nonce: nonce)
        let (content, prefix) = try readAll(file, length, nonce, progress, plaintext)
        let expected = try pass.finishWhole()
        let stored = try read(file, count: Int(SealedLayout.tagSize), at: SealedLayout.nonceSize + length) { Tag($0) }
        guard stored.matches(expected) else { throw OsnovaError.damaged("authentication failed") }
        guard let blob = SealedBlob(id: content, nonce: nonce, length: length, generation: keys.generation) else {
            throw OsnovaError.damaged("too long to be a sealed blob (\(size) bytes)")
        }
        if content == id { return Finding(blob: blob, tags: try pass.tags(for: blob), prefix: prefix) }
        return try verify(stream: blob, file: file, id: id, progress)
    }

    /// Takes the whole ciphertext into `pass`, and returns the SHA-256 and the first bytes of what it was made from.
    private func readAll(
        _ file: OwnedDescriptor, _ length: Int64, _ nonce: Nonce, _ progress: (Int) throws -> Void,
        _ plaintext: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> (ContentID, prefix: [UInt8]) {
        let digest = try SHA256()
        group?.join(length)
        defer { group?.leave(length) }
        var prefix: [UInt8] = []
        for offset in stride(from: Int64(0), to: length, by: Int64.Stride(Self.pieceSize)) {
            let count = Int(min(Int64(Self.pieceSize), length - offset))
            try read(file, count: count, at: SealedLayout.nonceSize + offset) {
                try pass.absorb(piece: $0)
                let piece = try decrypt($0, at: offset, nonce)
                if let group { group.update(digest, piece) } else { digest.update(piece) }
                try plaintext(piece)
            }
            if offset == 0 { prefix = Array(buffer.bytes.prefix(min(count, Self.prefixSize))) }
            try progress(count)
        }
        return (try digest.finish(), prefix)
    }

    /// Verifies what is not the content itself: its compressed stream, or another content.
    private func verify(
        stream: SealedBlob, file: OwnedDescriptor, id: ContentID, _ progress: (Int) throws -> Void
    ) throws -> Finding {
        let audit = try streamAudit ?? StreamAudit(keys: keys)
        streamAudit = audit
        // The tags were just made of verified bytes: a file that changes between the two passes is noticed.
        let found = try audit.content(of: stream, file: file, tags: pass.tags(for: stream)) { try progress(0) }
        guard let found, found.id == id,
            let blob = SealedBlob(
                id: id, nonce: stream.nonce, extent: found.extent, generation: stream.generation)
        else { throw OsnovaError.damaged("the content is another's: its SHA-256 is not the file's name") }
        return Finding(blob: blob, tags: try pass.tags(for: blob), prefix: found.prefix)
    }

    private func decrypt(
        _ piece: UnsafeRawBufferPointer, at offset: Int64, _ nonce: Nonce
    ) throws -> UnsafeRawBufferPointer {
        let counter = UInt32(truncatingIfNeeded: 1 + offset / Int64(ChaCha20.blockSize))
        let plain = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes.prefix(piece.count))
        try keys.blob.withUnsafeBytes { key in
            try nonce.withUnsafeBytes {
                try cipher.apply(key: key, nonce: $0, counter: counter, from: piece, to: plain)
            }
        }
        return UnsafeRawBufferPointer(plain)
    }

    private func read<Result>(
        _ file: OwnedDescriptor, count: Int, at offset: Int64, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        let target = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes.prefix(count))
        guard try reading({ try SystemCalls.read(file, into: target, at: offset) }) == count else {
            throw OsnovaError.damaged("the file became shorter while it was read")
        }
        return try body(UnsafeRawBufferPointer(target))
    }
}
