internal import COpenSSL

/// Streaming SHA-256 (FIPS 180-4).
///
/// Used by one thread at a time.
public final class SHA256 {
    private let context: OpaquePointer

    /// Starts a digest.
    public init() throws {
        guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            throw OsnovaError(.unavailable, "libcrypto offers no SHA-256")
        }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    /// Takes in more of the message.
    public func update(_ bytes: UnsafeRawBufferPointer) {
        EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    }

    /// The digest of everything taken in; the object starts a new message.
    public func finish() throws -> ContentID {
        var digest = [UInt8](repeating: 0, count: ContentID.byteCount)
        guard EVP_DigestFinal_ex(context, &digest, nil) == 1, EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1,
            let id = ContentID(bytes: digest)
        else { throw OsnovaError(.unavailable, "libcrypto failed a SHA-256") }
        return id
    }

    /// The digest of one piece of memory.
    public static func digest(_ bytes: UnsafeRawBufferPointer) throws -> ContentID {
        let hash = try SHA256()
        hash.update(bytes)
        return try hash.finish()
    }
}
