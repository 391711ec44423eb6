import Catalog
import Foundation
import Keyring
import OsnovaStorage
import Primitives
import TestSupport
import Testing

/// What becomes of vaults and of components' key pairs when the store gets another key.
@Suite struct RekeyKeyTests {
    private static let types: [KeyType] = [.ed25519, .x25519, .secp256k1]
    private let test: TestStore
    private let new: KeyHierarchy
    private let password: SecretBytes

    init() throws {
        test = try TestStore()
        new = try TestStore.keys(2)
        password = try Array("a password".utf8).withUnsafeBytes { try SecretBytes(copying: $0) }
        for user in ["alice", "bob"] {
            try identity(user).save(
                KeyVault(user: user, master: test.keys.master), password: password, replacing: false)
        }
    }

    private func identity(_ user: String) throws -> IdentityFile {
        IdentityFile(root: test.root, user: try UserID(user))
    }

    private func vault(_ user: String) throws -> KeyVault { try identity(user).sealed().open(password: password) }

    private func derive(_ type: KeyType, _ index: Int64, _ user: String, by keys: KeyHierarchy) throws -> KeyMetadata {
        try test.open(keys).deriveKey(type, for: "com.a", index: index, identity: identity(user), password: password)
    }

    private func rekey(_ new: KeyHierarchy, holder: KeyHierarchy, users: [String]) throws -> RekeyReport {
        let store = try test.open(holder)
        var vaults = RekeyVaults(store: store)
        for user in users { try vaults.take(UserID(user), password: password) }
        let rekey = try Rekey(store: store, holder: holder)
        try rekey.begin(new)
        _ = try rekey.run()
        return try rekey.finish(moveVaults: vaults.move)
    }

    private func pairs(_ vault: KeyVault) -> [[UInt8]] {
        vault.keys.map { key in key.publicKey + key.secret.withUnsafeBytes { Array($0) } }
    }

    private func isSame(_ one: SecretBytes, _ other: SecretBytes) -> Bool {
        one.withUnsafeBytes { left in other.withUnsafeBytes { Sodium.constantTimeEqual(left, $0) } }
    }

    @Test func `a vault opens with its password as before and holds the new master key and the old pairs`() throws {
        for (index, type) in Self.types.enumerated() { _ = try derive(type, Int64(index), "alice", by: test.keys) }
        let before = pairs(try vault("alice"))
        #expect(try rekey(new, holder: test.keys, users: ["alice"]).carriedKeys == 3)
        let after = try vault("alice")
        #expect(isSame(after.master, new.master) && pairs(after) == before)
        #expect(isSame(try vault("bob").master, test.keys.master), "nobody gave his password")
        #expect(kind { _ = try derive(.ed25519, 9, "bob", by: test.keys) } == .denied)
    }

    @Test func `the new phrase alone brings every listed pair back, after two rekeys as well`() throws {
        for (index, type) in Self.types.enumerated() { _ = try derive(type, Int64(index), "alice", by: test.keys) }
        let first = pairs(try vault("alice"))
        _ = try rekey(new, holder: test.keys, users: ["alice"])
        _ = try derive(.ed25519, 3, "alice", by: new)
        let all = pairs(try vault("alice"))
        #expect(Array(all.prefix(3)) == first)
        let third = try TestStore.keys(3)
        #expect(try rekey(third, holder: new, users: []).carriedKeys == 4)
        let (recovered, foreign) = try test.open(third).recoveredVault(user: UserID("alice"), keys: third)
        #expect(foreign == 0 && pairs(recovered) == all)
        // Back to the very first key, which makes three of them itself.
        #expect(try rekey(test.keys, holder: third, users: []).carriedKeys == 1)
        #expect(try pairs(test.open(test.keys).recoveredVault(user: UserID("alice"), keys: test.keys).vault) == all)
    }

    @Test func `either phrase brings them back while a rekey is under way`() throws {
        _ = try derive(.secp256k1, 0, "alice", by: test.keys)
        try test.begin(new)
        for keys in [test.keys, new] {
            let (recovered, foreign) = try test.open(keys).recoveredVault(user: UserID("alice"), keys: keys)
            #expect(try foreign == 0 && pairs(recovered) == pairs(vault("alice")))
        }
        // One that is derived meanwhile is not lost either.
        _ = try derive(.ed25519, 1, "bob", by: test.keys)
        let bobs = try #require(try pairs(vault("bob")).last)
        _ = try rekey(new, holder: test.keys, users: [])
        #expect(try pairs(test.open(new).recoveredVault(user: UserID("bob"), keys: new).vault).contains(bobs))
    }

    @Test func `a vault that lacks a pair of before gets it, not another of the same number`() throws {
        let made = try derive(.ed25519, 0, "alice", by: test.keys)
        _ = try rekey(new, holder: test.keys, users: ["alice", "bob"])
        #expect(try derive(.ed25519, 0, "bob", by: new) == made)
        #expect(try pairs(vault("bob")) == pairs(vault("alice")))
        let next = try derive(.ed25519, 1, "bob", by: new)
        #expect(
            try Hexadecimal.string(KeyType.ed25519.publicKey(of: new.componentKey("com.a", index: 1))) == next.publicKey
        )
    }

    @Test func `kept secrets are not in the clear, and are those of their rows alone`() throws {
        _ = try derive(.ed25519, 0, "alice", by: test.keys)
        _ = try derive(.ed25519, 1, "alice", by: test.keys)
        let secrets = try vault("alice").keys.map { $0.secret.withUnsafeBytes { Array($0) } }
        _ = try rekey(new, holder: test.keys, users: ["alice"])
        for secret in secrets { #expect(try !test.holds(secret)) }
        try test.sql(
            "UPDATE carried_keys SET secret = (SELECT secret FROM carried_keys AS c WHERE c.derivation_index = 0)")
        #expect(kind { _ = try test.open(new).recoveredVault(user: UserID("alice"), keys: new) } == .damaged)
    }

    @Test func `another store's vault is not taken`() throws {
        let stranger = KeyVault(user: "eve", master: try TestStore.keys(9).master)
        try identity("eve").save(stranger, password: password, replacing: false)
        #expect(kind { _ = try rekey(new, holder: test.keys, users: ["eve"]) } == .denied)
        var vaults = RekeyVaults(store: test.store)
        try vaults.take(UserID("alice"), password: password)
        #expect(try vaults.untaken().map(\.name) == ["bob", "eve"])
    }
}
