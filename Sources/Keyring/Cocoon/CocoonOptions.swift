public import Primitives

/// The ciphers of Cocoon containers.
public enum CocoonCipher: UInt8, Sendable, CaseIterable {
    /// ChaCha20-Poly1305 (RFC 8439).
    case chacha20poly1305 = 1
    /// AES-256-GCM.
    case aes256gcm = 2

    var algorithm: AuthenticatedCipher.Algorithm {
        switch self {
        case .chacha20poly1305: .chacha20Poly1305
        case .aes256gcm: .aes256GCM
        }
    }

    /// The longest payload in bytes that the cipher's block counter allows.
    var largestPayload: UInt64 {
        switch self {
        case .chacha20poly1305: (1 << 38) - 64
        case .aes256gcm: (1 << 36) - 32
        }
    }
}

/// How much a guess of a container's password costs.
public enum CocoonStrength: UInt8, Sendable, CaseIterable {
    /// 100,000 rounds of PBKDF2-HMAC-SHA256.
    case strong = 1
    /// 10,000 rounds, for tests and for passwords that are keys.
    case weak = 2

    var rounds: Int {
        switch self {
        case .strong: 100_000
        case .weak: 10_000
        }
    }
}

/// How a container's key comes from a password.
public struct CocoonDerivation: Sendable {
    private static let constant = Array("cocoon".utf8)

    private let salt: [UInt8]
    private let strength: CocoonStrength

    init(salt: [UInt8], strength: CocoonStrength) {
        self.salt = salt
        self.strength = strength
    }

    /// The derivation of a Mini container, whose seed of 32 bytes is not in the file.
    ///
    /// - Throws: `usage` for another length.
    public init(seed: [UInt8]) throws {
        guard seed.count == 32 else {
            throw OsnovaError(.usage, "the seed of a Mini container has 32 bytes, not \(seed.count)")
        }
        self.init(salt: seed, strength: .strong)
    }

    /// The key of a password; slow on purpose.
    ///
    /// - Parameter password: any bytes, used as they are; may be empty.
    public func key(password: SecretBytes) throws -> SecretBytes {
        try PBKDF2.derive(password: password, salt: Self.constant + salt, rounds: strength.rounds)
    }
}
