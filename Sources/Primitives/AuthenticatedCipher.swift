internal import COpenSSL

/// One message under an authenticated cipher, fed piece by piece: ChaCha20-Poly1305 (RFC 8439) or AES-256-GCM.
///
/// libcrypto's context holds the key until this object goes, which wipes it. Used by one thread at a time.
public final class AuthenticatedCipher {
    /// The ciphers, both with a key of 32 bytes, a nonce of 12 and a tag of 16.
    public enum Algorithm: Sendable {
        /// RFC 8439 §2.8.
        case chacha20Poly1305
        /// NIST SP 800-38D.
        case aes256GCM
    }

    /// What is done to the message.
    public enum Direction: Sendable {
        /// Plaintext comes, ciphertext goes.
        case seal
        /// Ciphertext comes, plaintext goes.
        case open
    }

    /// Bytes in a nonce.
    public static let nonceSize = 12
    private static let largestCall = 1 << 30

    private let context: OpaquePointer

    /// Starts a message.
    ///
    /// - Parameters:
    ///   - algorithm: the cipher.
    ///   - direction: sealing or opening.
    ///   - key: 32 bytes.
    ///   - nonce: 12 bytes, never used twice with a key.
    ///   - associatedData: bytes that the tag covers beside the message.
    public init(
        _ algorithm: Algorithm, _ direction: Direction, key: SecretBytes, nonce: [UInt8], associatedData: [UInt8]
    ) throws {
        guard key.count == 32, nonce.count == Self.nonceSize else {
            throw OsnovaError(.usage, "an authenticated cipher takes 32 bytes of key and 12 of nonce")
        }
        guard let context = EVP_CIPHER_CTX_new() else { throw Self.failure }
        self.context = context
        let cipher = algorithm == .aes256GCM ? EVP_aes_256_gcm() : EVP_chacha20_poly1305()
        let started = key.withUnsafeBytes {
            EVP_CipherInit_ex(
                context, cipher, nil, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), nonce,
                direction == .seal ? 1 : 0)
        }
        var length: Int32 = 0
        guard started == 1, let size = Int32(exactly: associatedData.count),
            EVP_CipherUpdate(context, nil, &length, associatedData, size) == 1
        else { throw Self.failure }
    }

    deinit { EVP_CIPHER_CTX_free(context) }

    /// Transforms the next piece of the message; what opening gives out is not to be believed before `verify`.
    ///
    /// - Parameters:
    ///   - input: any length; may be the same memory as `output`.
    ///   - output: as long as `input`.
    public func update(from input: UnsafeRawBufferPointer, to output: UnsafeMutableRawBufferPointer) throws {
        guard input.count == output.count else {
            throw OsnovaError(.usage, "an authenticated cipher writes as much as it reads")
        }
        var done = 0
        while done < input.count {
            let count = min(Self.largestCall, input.count - done)
            var written: Int32 = 0
            guard
                EVP_CipherUpdate(
                    context, output.baseAddress?.advanced(by: done).assumingMemoryBound(to: UInt8.self), &written,
                    input.baseAddress?.advanced(by: done).assumingMemoryBound(to: UInt8.self), Int32(count)) == 1,
                Int(written) == count
            else { throw Self.failure }
            done += count
        }
    }

    /// Ends a sealed message and returns its tag of 16 bytes.
    public func tag() throws -> [UInt8] {
        var written: Int32 = 0
        var rest = [UInt8](repeating: 0, count: 16)
        var tag = [UInt8](repeating: 0, count: Tag.byteCount)
        guard EVP_CipherFinal_ex(context, &rest, &written) == 1, written == 0,
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(tag.count), &tag) == 1
        else { throw Self.failure }
        return tag
    }

    /// Ends an opened message: whether key, nonce, associated data and message are those of the tag.
    public func verify(tag: [UInt8]) -> Bool {
        var tag = tag
        var written: Int32 = 0
        var rest = [UInt8](repeating: 0, count: 16)
        guard tag.count == Tag.byteCount,
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tag.count), &tag) == 1
        else { return false }
        return EVP_CipherFinal_ex(context, &rest, &written) == 1 && written == 0
    }

    private static let failure = OsnovaError(.unavailable, "libcrypto failed an authenticated cipher")
}
