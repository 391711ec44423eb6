internal import COpenSSL

/// PBKDF2-HMAC-SHA256 (RFC 8018 §5.2): a key from a password, slow on purpose.
public enum PBKDF2 {
    /// Derives `count` bytes into guarded memory.
    ///
    /// - Parameters:
    ///   - password: any bytes, used as they are; may be empty.
    ///   - salt: another one for each password that is stored.
    ///   - rounds: what one guess costs.
    public static func derive(password: SecretBytes, salt: [UInt8], rounds: Int, count: Int = 32) throws -> SecretBytes
    {
        try SecretBytes(count: count) { out in
            let done = password.withUnsafeBytes { secret -> Int32 in
                guard let length = Int32(exactly: secret.count), let rounds = Int32(exactly: rounds),
                    let saltLength = Int32(exactly: salt.count), let size = Int32(exactly: out.count)
                else { return 0 }
                return PKCS5_PBKDF2_HMAC(
                    secret.baseAddress?.assumingMemoryBound(to: CChar.self), length, salt, saltLength, rounds,
                    EVP_sha256(), size, out.baseAddress?.assumingMemoryBound(to: UInt8.self))
            }
            guard done == 1 else { throw OsnovaError(.unavailable, "libcrypto failed a PBKDF2") }
        }
    }
}
