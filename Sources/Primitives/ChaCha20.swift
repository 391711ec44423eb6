internal import CChaCha20Poly1305
internal import COpenSSL

/// The ChaCha20 stream cipher of RFC 8439 §2.4, seekable by block counter.
///
/// Holds no key between calls: libcrypto's context and its stack are ordinary memory, so each call ends by overwriting them.
/// Used by one thread at a time.
public final class ChaCha20 {
    /// Bytes of keystream in one block.
    public static let blockSize = 64
    /// Bytes in a key.
    public static let keySize = 32
    /// Bytes in a nonce.
    public static let nonceSize = 12

    private let context: OpaquePointer
    private static let erasure = [UInt8](repeating: 0, count: 32)

    /// Readies a cipher.
    public init() throws {
        guard let context = EVP_CIPHER_CTX_new(),
            EVP_CipherInit_ex(context, EVP_chacha20(), nil, nil, nil, 1) == 1
        else { throw OsnovaError(.unavailable, "libcrypto offers no ChaCha20") }
        self.context = context
    }

    deinit { EVP_CIPHER_CTX_free(context) }

    /// Combines `input` with the keystream that starts at block `counter` and stores the result.
    ///
    /// - Parameters:
    ///   - key: 32 bytes.
    ///   - nonce: 12 bytes.
    ///   - counter: the number of the first block; the caller keeps the last one below 2^32.
    ///   - input: at most 2 GiB; may be the same memory as `output`.
    ///   - output: as long as `input`.
    public func apply(
        key: UnsafeRawBufferPointer, nonce: UnsafeRawBufferPointer, counter: UInt32,
        from input: UnsafeRawBufferPointer, to output: UnsafeMutableRawBufferPointer
    ) throws {
        guard key.count == Self.keySize, nonce.count == Self.nonceSize, input.count == output.count,
            input.count <= Int32.max
        else {
            throw OsnovaError(.usage, "ChaCha20 takes 32 bytes of key, 12 of nonce and at most 2 GiB a call")
        }
        // Most of a long input by AVX-512, where the processor has it; libcrypto's own takes half as long again.
        let done = Int(
            osnova_chacha20_xor(
                key.baseAddress, nonce.baseAddress, counter, input.baseAddress, output.baseAddress, UInt(input.count)))
        try applyByLibrary(
            key: key, nonce: nonce, counter: counter &+ UInt32(truncatingIfNeeded: done / Self.blockSize),
            from: UnsafeRawBufferPointer(rebasing: input[done...]),
            to: UnsafeMutableRawBufferPointer(rebasing: output[done...]))
    }

    private func applyByLibrary(
        key: UnsafeRawBufferPointer, nonce: UnsafeRawBufferPointer, counter: UInt32,
        from input: UnsafeRawBufferPointer, to output: UnsafeMutableRawBufferPointer
    ) throws {
        guard let source = input.baseAddress, let target = output.baseAddress,
            let count = Int32(exactly: input.count), count > 0
        else { return }
        // libcrypto's IV is the 32-bit little-endian block counter followed by the nonce.
        var initial = (UInt64(0), UInt64(0))
        let worked = withUnsafeMutableBytes(of: &initial) { iv in
            iv.storeBytes(of: counter.littleEndian, as: UInt32.self)
            UnsafeMutableRawBufferPointer(rebasing: iv[4...]).copyMemory(from: nonce)
            var written: Int32 = 0
            return EVP_CipherInit_ex(
                context, nil, nil, key.baseAddress?.assumingMemoryBound(to: UInt8.self),
                iv.baseAddress?.assumingMemoryBound(to: UInt8.self), 1) == 1
                && EVP_CipherUpdate(
                    context, target.assumingMemoryBound(to: UInt8.self), &written,
                    source.assumingMemoryBound(to: UInt8.self), count) == 1
                && written == count
        }
        EVP_CipherInit_ex(context, nil, nil, Self.erasure, Self.erasure, 1)
        // A thread that then waits for work would keep the key there.
        osnova_burn_traces()
        guard worked else { throw OsnovaError(.unavailable, "libcrypto failed a ChaCha20 call") }
    }

    /// Writes the keystream that starts at block `counter` itself.
    public func keystream(
        key: UnsafeRawBufferPointer, nonce: UnsafeRawBufferPointer, counter: UInt32,
        to output: UnsafeMutableRawBufferPointer
    ) throws {
        output.initializeMemory(as: UInt8.self, repeating: 0)
        try apply(key: key, nonce: nonce, counter: counter, from: UnsafeRawBufferPointer(output), to: output)
    }
}
