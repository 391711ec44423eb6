import Foundation
import Keyring
import Primitives
import TestSupport
import Testing

@testable import OsnovaStorage

func secret(_ bytes: some Collection<UInt8>) throws -> SecretBytes {
    try SecretBytes(count: bytes.count) { $0.copyBytes(from: bytes) }
}

/// The error of the project that a closure throws; nil where it throws none.
func failure(_ body: () throws -> Void) -> OsnovaError? {
    do {
        try body()
        return nil
    } catch {
        return error as? OsnovaError
    }
}

/// A data root with one user's vault.
private struct Fixture {
    let folder: TemporaryFolder
    let root: DataRoot
    let identity: IdentityFile
    let vault: KeyVault
    let old: SecretBytes
    let new: SecretBytes

    init() throws {
        folder = try TemporaryFolder()
        root = DataRoot(path: folder.path("root"))
        old = try secret("old password".utf8)
        new = try secret("new password".utf8)
        let keys = try KeyHierarchy(master: secret(noise(32, seed: 1)))
        try Store.create(at: root, keys: keys)
        identity = IdentityFile(root: root, user: try UserID("alice"))
        var vault = KeyVault(user: "alice", master: keys.master)
        try vault.derive(.ed25519, for: "com.example.a", index: 0, createdAt: 5)
        self.vault = vault
        try identity.save(vault, password: old, replacing: false)
    }

    func names() throws -> [String] { try folder.names("root/identity/alice") }

    /// The one of two passwords that opens a user's vault.
    func opening(_ identity: IdentityFile) throws -> SecretBytes {
        let sealed = try identity.sealed()
        return (try? sealed.open(password: old)) == nil ? new : old
    }
}

@Suite struct IdentityFileTests {
    @Test(.timeLimit(.minutes(1))) func `a vault is read from no link and no FIFO, and written through none`() throws {
        let fixture = try Fixture()
        let files = FileManager.default
        let path = fixture.identity.path
        try files.moveItem(atPath: path, toPath: fixture.folder.path("vault"))
        try files.createSymbolicLink(atPath: path, withDestinationPath: fixture.folder.path("vault"))
        #expect(failure { _ = try fixture.identity.sealed() }?.kind == .damaged)
        try files.removeItem(atPath: path)
        #expect(mkfifo(path, 0o600) == 0)
        #expect(failure { _ = try fixture.identity.sealed() }?.kind == .damaged)
        try files.createDirectory(atPath: fixture.folder.path("elsewhere"), withIntermediateDirectories: false)
        let bob = IdentityFile(root: fixture.root, user: try UserID("bob"))
        try files.createSymbolicLink(
            atPath: "\(fixture.root.path)/identity/bob", withDestinationPath: fixture.folder.path("elsewhere"))
        let error = failure { try bob.save(fixture.vault, password: fixture.old, replacing: true) }
        #expect(error?.kind == .cannotCreate)
        #expect(try fixture.folder.names("elsewhere").isEmpty)
    }

    @Test func `a vault is opened by its password, by no other, and not in another user's place`() throws {
        let fixture = try Fixture()
        let sealed = try fixture.identity.sealed()
        #expect(try sealed.open(password: fixture.old).keys.count == 1)
        #expect(failure { _ = try sealed.open(password: fixture.new) }?.kind == .denied)
        #expect(failure { _ = try sealed.open(password: secret([])) }?.kind == .denied)
        let other = IdentityFile(root: fixture.root, user: try UserID("bob"))
        #expect(failure { _ = try other.sealed() }?.kind == .notFound)
        try FileManager.default.copyItem(
            atPath: fixture.folder.path("root/identity/alice"), toPath: fixture.folder.path("root/identity/bob"))
        let refusal = failure { _ = try other.sealed().open(password: fixture.old) }
        #expect(refusal?.kind == .denied && refusal?.message.contains("another user") == true)
    }

    @Test func `a file that is cut, changed or continued is refused, and stays as it is`() throws {
        let fixture = try Fixture()
        let url = URL(fileURLWithPath: fixture.identity.path)
        let sound = try Data(contentsOf: url)
        for length in 0..<sound.count {
            try sound.prefix(length).write(to: url)
            #expect(failure { _ = try fixture.identity.sealed() }?.kind == .damaged, "cut at \(length)")
        }
        try (sound + [0]).write(to: url)
        #expect(failure { _ = try fixture.identity.sealed() }?.kind == .damaged)
        for bit in 0..<60 * 8 {
            var changed = sound
            changed[bit / 8] ^= 1 << (bit % 8)
            try changed.write(to: url)
            let refusal = failure { _ = try fixture.identity.sealed().open(password: fixture.old) }
            #expect(refusal?.kind == .damaged || refusal?.kind == .denied, "bit \(bit)")
            #expect(try Data(contentsOf: url) == changed)
        }
    }

    @Test func `a change of the password that stops anywhere leaves a vault that the old or the new one opens`() throws
    {
        let fixture = try Fixture()
        var stops = 0
        try fixture.identity.locked { directory in
            try fixture.identity.write(fixture.vault, password: fixture.new, in: directory) {
                // What a power cut here would leave.
                stops += 1
                let copy = fixture.folder.path("copy-\(stops)")
                try FileManager.default.copyItem(atPath: fixture.root.path, toPath: copy)
            }
        }
        #expect(stops == 7)
        for stop in 1...stops {
            let left = IdentityFile(
                root: DataRoot(path: fixture.folder.path("copy-\(stop)")), user: fixture.identity.user)
            let password = try fixture.opening(left)
            #expect(try left.sealed().open(password: password).keys.count == 1, "stopped at \(stop)")
            // Life goes on, and what was left behind goes.
            let third = try secret("third".utf8)
            try left.update(old: password, new: third) { vault, save in try save(vault) }
            #expect(try left.sealed().open(password: third).keys.count == 1)
            #expect(try fixture.folder.names("copy-\(stop)/identity/alice") == ["keys.cocoon"])
        }
        #expect(try fixture.names() == ["keys.cocoon"])
    }

    @Test func `a step that fails leaves the old vault and nothing beside it`() throws {
        let fixture = try Fixture()
        let before = try Data(contentsOf: URL(fileURLWithPath: fixture.identity.path))
        for failing in 1...5 {
            var step = 0
            let refusal = failure {
                try fixture.identity.locked { directory in
                    try fixture.identity.write(fixture.vault, password: fixture.new, in: directory) {
                        step += 1
                        if step == failing { throw OsnovaError(.inputOutput, "no space") }
                    }
                }
            }
            #expect(refusal?.message == "no space")
            #expect(try fixture.names() == ["keys.cocoon"])
            #expect(try Data(contentsOf: URL(fileURLWithPath: fixture.identity.path)) == before)
        }
    }

    @Test func `what is written has its modes, and replaces only what it may`() throws {
        let fixture = try Fixture()
        let manager = FileManager.default
        let file = try manager.attributesOfItem(atPath: fixture.identity.path)[.posixPermissions] as? Int
        let folder = try manager.attributesOfItem(atPath: fixture.folder.path("root/identity/alice"))[.posixPermissions]
        #expect(file == 0o600 && folder as? Int == 0o700)
        let refusal = failure {
            try fixture.identity.save(fixture.vault, password: fixture.new, replacing: false)
        }
        #expect(refusal?.kind == .cannotCreate)
        _ = try fixture.identity.sealed().open(password: fixture.old)
    }

    @Test(arguments: ["", ".", "..", ".hidden", "a/b", "a b", "a\nb", String(repeating: "x", count: 129)])
    func `a user id that is no plain name is refused`(name: String) {
        #expect(failure { _ = try UserID(name) }?.kind == .usage)
    }
}
