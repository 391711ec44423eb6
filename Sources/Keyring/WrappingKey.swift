public import Primitives

/// Seals short secrets under a key of its own, derived from a master key for one purpose.
///
/// A sealed secret is `nonce(12, random) ‖ ciphertext ‖ tag(16)`, ChaCha20-Poly1305 (RFC 8439 §2.8), with what the
/// secret belongs to as associated data.
public struct WrappingKey: Sendable {
    /// What secrets are sealed for; the raw value is the salt of the key's derivation.
    public enum Purpose: String, Sendable {
        /// The other master key of a rekey that is under way.
        case rekey = "osnova-rekey"
        /// Component keys that an earlier master key made.
        case carriedKeys = "osnova-carried-keys"
    }

    private static let tagSize = 16
    private let key: SecretBytes

    /// Derives the key of a purpose.
    public init(_ purpose: Purpose, of keys: KeyHierarchy) throws {
        key = try HKDF.derive(
            from: keys.master, salt: Array(purpose.rawValue.utf8), info: Array("v1".utf8), count: KeyHierarchy.keySize)
    }

    /// Seals a secret.
    ///
    /// - Parameter context: what it belongs to; must be given again to open it.
    public func seal(_ secret: SecretBytes, context: [UInt8]) throws -> [UInt8] {
        var nonce = [UInt8](repeating: 0, count: AuthenticatedCipher.nonceSize)
        try nonce.withUnsafeMutableBytes { try Sodium.randomize($0) }
        let cipher = try AuthenticatedCipher(.chacha20Poly1305, .seal, key: key, nonce: nonce, associatedData: context)
        var sealed = [UInt8](repeating: 0, count: secret.count)
        try secret.withUnsafeBytes { plain in
            try sealed.withUnsafeMutableBytes { try cipher.update(from: plain, to: $0) }
        }
        return nonce + sealed + (try cipher.tag())
    }

    /// Opens a sealed secret.
    ///
    /// - Throws: `damaged` for bytes that were not sealed so, under this key and for this context.
    public func open(_ sealed: [UInt8], context: [UInt8]) throws -> SecretBytes {
        let size = sealed.count - AuthenticatedCipher.nonceSize - Self.tagSize
        guard size > 0 else { throw Self.damage }
        let nonce = Array(sealed.prefix(AuthenticatedCipher.nonceSize))
        let cipher = try AuthenticatedCipher(.chacha20Poly1305, .open, key: key, nonce: nonce, associatedData: context)
        let secret = try SecretBytes(count: size) { plain in
            try sealed.withUnsafeBytes {
                try cipher.update(
                    from: UnsafeRawBufferPointer(rebasing: $0[nonce.count..<nonce.count + size]), to: plain)
            }
        }
        guard cipher.verify(tag: Array(sealed.suffix(Self.tagSize))) else { throw Self.damage }
        return secret
    }

    private static let damage = OsnovaError.damaged(
        "a sealed key of the database was changed: restore it from a backup")
}
