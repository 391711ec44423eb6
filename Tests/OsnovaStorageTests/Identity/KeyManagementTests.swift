import Catalog
import Foundation
import Keyring
import Primitives
import TestSupport
import Testing

@testable import OsnovaStorage

@Suite struct KeyManagementTests {
    private let folder: TemporaryFolder
    private let root: DataRoot
    private let keys: KeyHierarchy
    private let store: Store
    private let password: SecretBytes

    init() throws {
        folder = try TemporaryFolder()
        root = DataRoot(path: folder.path("root"))
        keys = try KeyHierarchy(master: secret(noise(32, seed: 1)))
        try Store.create(at: root, keys: keys)
        store = try Store.open(at: root, keys: keys)
        password = try secret("p".utf8)
        for user in ["alice", "bob"] {
            try identity(user).save(KeyVault(user: user, master: keys.master), password: password, replacing: false)
        }
    }

    private func identity(_ user: String) throws -> IdentityFile { IdentityFile(root: root, user: try UserID(user)) }

    private func derive(_ type: KeyType, _ component: String, _ index: Int64? = nil, user: String = "alice") throws
        -> KeyMetadata
    {
        try store.deriveKey(type, for: component, index: index, identity: identity(user), password: password)
    }

    private func held(by user: String) throws -> [KeyVault.DerivedKey] {
        try identity(user).sealed().open(password: password).keys
    }

    /// Runs SQL as a foreign program does.
    private func sqlite(_ sql: String) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/sqlite3")
        process.arguments = [root.database, sql]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        process.waitUntilExit()
        return String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    }

    @Test func `numbers follow each other, the same number is the same key`() throws {
        let first = try derive(.ed25519, "a")
        let second = try derive(.x25519, "a")
        let third = try derive(.secp256k1, "a")
        #expect([first.derivationIndex, second.derivationIndex, third.derivationIndex] == [0, 1, 2])
        #expect(try derive(.ed25519, "b").derivationIndex == 0)
        let file = try Data(contentsOf: URL(fileURLWithPath: identity("alice").path))
        #expect(try derive(.x25519, "a", 1) == second)
        #expect(try Data(contentsOf: URL(fileURLWithPath: identity("alice").path)) == file, "nothing was written")
        #expect(try store.catalog.read { try $0.keys() }.rows.count == 4)
        #expect(try store.catalog.read { try $0.key(publicKey: second.publicKey) } == second)
        #expect(try derive(.ed25519, "a", 40).derivationIndex == 40)
        #expect(try derive(.ed25519, "a").derivationIndex == 41)
    }

    @Test func `no key is derived into a data root that was restored meanwhile`() throws {
        try FileManager.default.moveItem(atPath: root.path, toPath: folder.path("replaced"))
        try FileManager.default.copyItem(atPath: folder.path("replaced"), toPath: root.path)
        #expect(failure { _ = try derive(.ed25519, "a") }?.kind == .busy)
        #expect(try held(by: "alice").isEmpty)
    }

    @Test func `the seed's table holds the types that it allows`() throws {
        for type in [KeyType.ed25519, .x25519, .secp256k1] { _ = try derive(type, "a") }
        let text = try sqlite("SELECT group_concat(key_type) FROM keys_metadata ORDER BY id")
        #expect(text == "ed25519,secp256k1\n")
    }

    @Test func `what is refused changes neither the vault nor the database`() throws {
        _ = try derive(.ed25519, "a")
        #expect(failure { _ = try derive(.secp256k1, "a", 0) }?.kind == .cannotCreate)
        #expect(failure { _ = try derive(.mlDSA, "a") }?.kind == .unavailable)
        #expect(failure { _ = try derive(.ed25519, "") }?.kind == .usage)
        #expect(failure { _ = try derive(.ed25519, "a", -1) }?.kind == .usage)
        try store.catalog.write {
            try $0.save(
                KeyMetadata(componentID: "a", derivationIndex: 7, publicKey: "00", type: .ed25519, createdAt: 0))
        }
        #expect(failure { _ = try derive(.ed25519, "a", 7) }?.kind == .cannotCreate)
        #expect(failure { _ = try derive(.x25519, "a", 7) }?.kind == .cannotCreate)
        #expect(try held(by: "alice").count == 1)
        #expect(try store.catalog.read { try $0.keys() }.rows.count == 2)
    }

    @Test func `a vault that cannot be written takes the row with it`() throws {
        // A directory in the place of the file: the rename fails.
        let path = try identity("alice").path
        let sealed = try Data(contentsOf: URL(fileURLWithPath: path))
        let refusal = failure {
            try identity("alice").update(old: password, new: password) { vault, save in
                try store.catalog.write { writing in
                    try writing.save(
                        KeyMetadata(componentID: "a", derivationIndex: 0, publicKey: "11", type: .ed25519, createdAt: 0)
                    )
                    try FileManager.default.removeItem(atPath: path)
                    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
                    try save(vault)
                }
            }
        }
        #expect(refusal?.kind == .cannotCreate)
        #expect(try store.catalog.read { try $0.keys() }.rows.isEmpty)
        #expect(!sealed.isEmpty)
    }

    @Test func `users have vaults of their own and share what a component is given`() throws {
        let first = try derive(.ed25519, "a", 0)
        #expect(try held(by: "bob").isEmpty)
        #expect(try derive(.ed25519, "a", 0, user: "bob") == first)
        #expect(try derive(.ed25519, "a", user: "bob").derivationIndex == 1)
        #expect(try held(by: "alice").count == 1)
        #expect(try held(by: "bob").count == 2)
    }

    @Test func `the phrase brings the keys back that the database lists`() throws {
        let made = try [KeyType.ed25519, .x25519, .secp256k1].map { try derive($0, "ant://a/1") }
        try store.catalog.write {
            try $0.save(
                KeyMetadata(componentID: "z", derivationIndex: 0, publicKey: "00", type: .ed25519, createdAt: 0))
        }
        let (vault, foreign) = try store.recoveredVault(user: UserID("alice"), keys: keys)
        #expect(foreign == 1)
        #expect(vault.keys.map { Hexadecimal.string($0.publicKey) } == made.map(\.publicKey))
        #expect(vault.keys.map(\.createdAt) == made.map(\.createdAt))
        let stranger = try KeyHierarchy(master: secret(noise(32, seed: 2)))
        #expect(failure { _ = try store.recoveredVault(user: UserID("alice"), keys: stranger) }?.kind == .denied)
    }

    @Test func `another store's vault is refused before anything is derived`() throws {
        let stranger = KeyVault(user: "eve", master: try secret(noise(32, seed: 2)))
        try identity("eve").save(stranger, password: password, replacing: false)
        #expect(failure { _ = try derive(.ed25519, "a", user: "eve") }?.kind == .denied)
        #expect(try store.catalog.read { try $0.keys() }.rows.isEmpty)
    }
}
