public import Primitives

/// The kinds of key pair that a component may ask for.
public enum KeyType: String, Sendable, CaseIterable {
    /// Signatures (RFC 8032).
    case ed25519
    /// Key exchange (RFC 7748).
    case x25519
    /// Signatures of Ethereum and its kin (SEC 2).
    case secp256k1
    /// Signatures that outlast quantum computers (FIPS 204); no installed library makes them.
    case mlDSA = "ml_dsa"

    /// The number that stands for the type in a vault.
    var code: UInt8 {
        switch self {
        case .ed25519: 1
        case .x25519: 2
        case .secp256k1: 3
        case .mlDSA: 4
        }
    }

    init?(code: UInt8) {
        guard let type = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = type
    }

    /// The public key of a secret.
    ///
    /// - Parameter secret: 32 bytes: the seed of Ed25519, the scalar of the others.
    /// - Throws: `unavailable` for a type that the installed libraries cannot make.
    public func publicKey(of secret: SecretBytes) throws -> [UInt8] {
        switch self {
        case .ed25519: try PublicKeys.ed25519(secret)
        case .x25519: try PublicKeys.x25519(secret)
        case .secp256k1: try PublicKeys.secp256k1(secret)
        case .mlDSA:
            throw OsnovaError(
                .unavailable, "no installed library makes ml_dsa keys: choose ed25519, x25519 or secp256k1")
        }
    }
}
