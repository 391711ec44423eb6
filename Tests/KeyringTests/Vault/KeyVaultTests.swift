import Primitives
import TestSupport
import Testing

@testable import Keyring

@Suite struct KeyVaultTests {
    private func sample() throws -> KeyVault {
        var vault = KeyVault(user: "alice", master: try secret(noise(32, seed: 1)))
        try vault.derive(.ed25519, for: "com.example.a", index: 0, createdAt: 5)
        try vault.derive(.x25519, for: "com.example.a", index: 1, createdAt: 6)
        try vault.derive(.secp256k1, for: "ant://ž/b", index: UInt64.max, createdAt: -7)
        return vault
    }

    @Test func `what was encoded is decoded`() throws {
        let vault = try sample()
        let decoded = try KeyVault(decoding: vault.encoded())
        #expect(decoded.user == "alice" && decoded.createdAt == vault.createdAt)
        #expect(array(decoded.master) == array(vault.master))
        #expect(decoded.keys.count == 3)
        for (left, right) in zip(decoded.keys, vault.keys) {
            #expect(left.componentID == right.componentID && left.index == right.index && left.type == right.type)
            #expect(left.publicKey == right.publicKey && left.createdAt == right.createdAt)
            #expect(array(left.secret) == array(right.secret))
        }
        #expect(try array(decoded.encoded()) == array(vault.encoded()))
    }

    @Test func `a key's secret is the component key of the hierarchy, and deriving again changes nothing`() throws {
        var vault = try sample()
        let expected = try KeyHierarchy(master: vault.master).componentKey("com.example.a", index: 0)
        #expect(try array(#require(vault.key(of: "com.example.a", index: 0)).secret) == array(expected))
        let again = try vault.derive(.ed25519, for: "com.example.a", index: 0, createdAt: 99)
        #expect(again.createdAt == 5 && vault.keys.count == 3)
        #expect(
            failure { try vault.derive(.secp256k1, for: "com.example.a", index: 0, createdAt: 9) }?.kind
                == .cannotCreate)
        #expect(
            failure { try vault.derive(.mlDSA, for: "com.example.a", index: 2, createdAt: 9) }?.kind == .unavailable)
        #expect(vault.keys.count == 3)
    }

    @Test func `bytes that are no vault are refused wherever they are wrong`() throws {
        let bytes = try array(sample().encoded())
        for length in 0..<bytes.count {
            let cut = try secret(bytes.prefix(length))
            #expect(failure { _ = try KeyVault(decoding: cut) }?.kind == .damaged, "cut at \(length)")
        }
        let longer = try secret(bytes + [0])
        #expect(failure { _ = try KeyVault(decoding: longer) }?.message.contains("after its end") == true)
        var newer = bytes
        newer[8] = 2
        let future = try secret(newer)
        #expect(failure { _ = try KeyVault(decoding: future) }?.message.contains("version is 2") == true)
    }

    @Test func `a name that does not fit is refused`() throws {
        var vault = try sample()
        let name = String(repeating: "x", count: 65_536)
        try vault.derive(.ed25519, for: name, index: 0, createdAt: 0)
        #expect(failure { _ = try vault.encoded() }?.kind == .usage)
    }
}
