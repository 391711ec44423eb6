import Primitives
import Testing

@testable import Keyring

@Suite struct KeyTypeTests {
    /// A secret, and its public keys as another library (PyCA cryptography) makes them; the first is RFC 8032's test 1.
    private static let known: [(secret: String, ed25519: String, x25519: String, secp256k1: String)] = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "b755ced64d4a27ce32afcf199f18a3ed1f31897028b0ff6e55191ea449db2644",
            "028db55b05db86c0b1786ca49f095d76344c9e6056b2f02701a7e7f3c20aabfd91"
        ),
        (
            "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140",
            "db829af23b58dbea3bd1d0ef9c97afd3f2ee04df984425fafa84c30fe340a1d4",
            "ad0491694acaca9bc3beac24b15cf55cfbb16e732d83555a2e7e5dc23a13464e",
            "0379be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
        ),
    ]

    @Test func `public keys are those of other libraries`() throws {
        for vector in Self.known {
            let secret = try secret(hex: vector.secret)
            #expect(Hexadecimal.string(try KeyType.ed25519.publicKey(of: secret)) == vector.ed25519)
            #expect(Hexadecimal.string(try KeyType.x25519.publicKey(of: secret)) == vector.x25519)
            #expect(Hexadecimal.string(try KeyType.secp256k1.publicKey(of: secret)) == vector.secp256k1)
        }
    }

    @Test func `a scalar that is none makes no secp256k1 key`() throws {
        for hex in [
            String(repeating: "00", count: 32), String(repeating: "ff", count: 32),
            "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        ] {
            let secret = try secret(hex: hex)
            #expect(failure { _ = try KeyType.secp256k1.publicKey(of: secret) }?.kind == .unavailable)
        }
    }

    @Test func `a type that no library makes is refused by name, and a short secret at all`() throws {
        let sound = try secret(hex: Self.known[0].secret)
        let refusal = try #require(failure { _ = try KeyType.mlDSA.publicKey(of: sound) })
        #expect(refusal.kind == .unavailable && refusal.message.contains("ml_dsa"))
        let short = try secret([1, 2, 3])
        for type in KeyType.allCases { #expect(failure { _ = try type.publicKey(of: short) } != nil) }
    }
}
