public import Primitives

extension Collection<SealingKeys> {
    /// The extent that a sealed file seems to have, which nobody verified yet; nil for what is no sealed file.
    ///
    /// A file that under one of the keys ends as a compressed stream does is taken for one; another one has the length
    /// that its size implies. A few reads, whatever the file's size; verification has the last word.
    public func guessExtent(of file: OwnedDescriptor) throws -> BlobExtent? {
        let size = try reading { try SystemCalls.status(of: file).size }
        guard let length = SealedLayout.plaintextLength(ofFile: size) else { return nil }
        for keys in self {
            let look = try UnverifiedLook(keys: keys, file: file)
            // What is wrong with a stream, verification tells.
            guard let table = try? SeekTable(streamLength: length, look.read) else { continue }
            return BlobExtent(compressed: length, of: table.contentLength)
        }
        return BlobExtent(plain: length)
    }
}

/// Decrypts parts of a file without verifying them: good for a guess and for nothing else.
private final class UnverifiedLook {
    private let keys: SealingKeys
    private let file: OwnedDescriptor
    private let nonce: [UInt8]
    private let cipher: ChaCha20
    private var buffer = ScratchBuffer(count: 4096)

    init(keys: SealingKeys, file: OwnedDescriptor) throws {
        self.keys = keys
        self.file = file
        cipher = try ChaCha20()
        var nonce = [UInt8](repeating: 0, count: ChaCha20.nonceSize)
        _ = try reading { try nonce.withUnsafeMutableBytes { try SystemCalls.read(file, into: $0, at: 0) } }
        self.nonce = nonce
    }

    func read(_ offset: Int64, _ count: Int) throws -> UnsafeRawBufferPointer {
        let block = Int64(ChaCha20.blockSize)
        let aligned = offset / block * block
        let skipped = Int(offset - aligned)
        if buffer.bytes.count < count + skipped { buffer = ScratchBuffer(count: count + skipped) }
        let memory = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes.prefix(count + skipped))
        let found = try reading {
            try SystemCalls.read(file, into: memory, at: SealedLayout.nonceSize + aligned)
        }
        let part = UnsafeMutableRawBufferPointer(rebasing: memory.prefix(found))
        try keys.blob.withUnsafeBytes { key in
            try nonce.withUnsafeBytes {
                try cipher.apply(
                    key: key, nonce: $0, counter: UInt32(truncatingIfNeeded: 1 + aligned / block),
                    from: UnsafeRawBufferPointer(part), to: part)
            }
        }
        return UnsafeRawBufferPointer(rebasing: part[min(skipped, found)...])
    }
}
