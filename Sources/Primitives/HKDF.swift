internal import COpenSSL

/// HKDF-SHA256 (RFC 5869), extract and expand.
public enum HKDF {
    /// Derives `count` bytes from key material into guarded memory.
    ///
    /// - Parameters:
    ///   - material: the input keying material.
    ///   - salt: may be empty.
    ///   - info: may be empty.
    ///   - count: bytes wanted, at most 255 × 32.
    public static func derive(
        from material: SecretBytes, salt: [UInt8] = [], info: [UInt8] = [], count: Int = 32
    ) throws -> SecretBytes {
        try SecretBytes(count: count) { try derive(from: material, salt: salt, info: info, into: $0) }
    }

    /// Derives bytes into memory of the caller's, guarded if they are secret.
    public static func derive(
        from material: SecretBytes, salt: [UInt8] = [], info: [UInt8] = [], into out: UnsafeMutableRawBufferPointer
    ) throws {
        let done = material.withUnsafeBytes { input in
            osnova_hkdf_sha256(
                input.baseAddress?.assumingMemoryBound(to: UInt8.self), input.count, salt, salt.count, info,
                info.count, out.baseAddress?.assumingMemoryBound(to: UInt8.self), out.count)
        }
        guard done == 1 else { throw OsnovaError(.unavailable, "libcrypto failed an HKDF") }
    }
}
