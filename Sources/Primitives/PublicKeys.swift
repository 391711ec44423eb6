internal import COpenSSL
internal import CSodium

/// The public halves of key pairs whose secret half is 32 bytes.
public enum PublicKeys {
    /// Ed25519 (RFC 8032): the secret is the seed; 32 bytes.
    public static func ed25519(_ secret: SecretBytes) throws -> [UInt8] {
        try Sodium.start()
        // libsodium's form of a secret key: the seed and the public key.
        let expanded = try SecretScratch(count: Int(crypto_sign_SECRETKEYBYTES))
        var publicKey = [UInt8](repeating: 0, count: Int(crypto_sign_PUBLICKEYBYTES))
        let done = withExtendedLifetime(expanded) { () -> Int32 in
            guard let out = expanded.bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return -1 }
            return withBytes(of: secret) { crypto_sign_seed_keypair(&publicKey, out, $0) }
        }
        guard done == 0 else { throw OsnovaError(.unavailable, "libsodium failed to make an Ed25519 key") }
        return publicKey
    }

    /// X25519 (RFC 7748): the secret is the scalar before clamping; 32 bytes.
    public static func x25519(_ secret: SecretBytes) throws -> [UInt8] {
        try Sodium.start()
        var publicKey = [UInt8](repeating: 0, count: Int(crypto_scalarmult_BYTES))
        guard withBytes(of: secret, { crypto_scalarmult_base(&publicKey, $0) }) == 0 else {
            throw OsnovaError(.unavailable, "libsodium failed to make an X25519 key")
        }
        return publicKey
    }

    /// secp256k1 (SEC 2): the secret is the scalar, big-endian; the point in its compressed form, 33 bytes.
    ///
    /// - Throws: `unavailable` for the few scalars that are none: 0 and those from the group's order on.
    public static func secp256k1(_ secret: SecretBytes) throws -> [UInt8] {
        var publicKey = [UInt8](repeating: 0, count: 33)
        guard withBytes(of: secret, { osnova_secp256k1_public($0, &publicKey) }) == 1 else {
            throw OsnovaError(.unavailable, "libcrypto makes no secp256k1 key of this secret: take another index")
        }
        return publicKey
    }

    /// Calls `body` with a secret of 32 bytes; -1 for another length.
    private static func withBytes(of secret: SecretBytes, _ body: (UnsafePointer<UInt8>) -> Int32) -> Int32 {
        secret.withUnsafeBytes { bytes in
            guard bytes.count == 32, let start = bytes.baseAddress else { return -1 }
            return body(start.assumingMemoryBound(to: UInt8.self))
        }
    }
}
