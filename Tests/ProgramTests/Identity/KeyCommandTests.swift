import Foundation
import TestSupport
import Testing

/// Key pairs of components, as people derive and look at them.
@Suite struct KeyCommandTests {
    private let unlock = ["--password-file", "password"]

    @Test func `a key is derived, listed and shown, and its secret is for who has the password`() throws {
        let work = try PasswordTests.workspace()
        let derived = try work.expect(0, ["key", "derive", "com.a", "--type", "ed25519", "--json"] + unlock)
        let document = try #require(try derived.json() as? [String: Any])
        #expect(Set(document.keys) == ["component_id", "derivation_index", "public_key", "key_type", "created_at"])
        let key = try #require(document["public_key"] as? String)
        #expect(try work.expect(0, ["key", "derive", "com.a", "--index", "0"] + unlock).text == key + "\n")
        #expect(try work.expect(0, ["key", "list"]).text.contains(key))
        #expect(try work.expect(0, ["key", "show", key]).text.contains(key))
        let secret = try work.expect(0, ["key", "show", key.uppercased(), "--secret"] + unlock).text
        #expect(secret.count == 65)
        let shown = try work.expect(0, ["key", "show", key, "--secret", "--json"] + unlock)
        #expect((try shown.json() as? [String: Any])?["secret_key"] as? String == String(secret.dropLast()))
        try work.expect(77, ["key", "show", key, "--secret"])
        try work.expect(77, ["key", "show", key, "--secret", "--password-file", "new"])
        try work.expect(66, ["key", "show", "00", "--secret"] + unlock)
    }

    @Test func `a secret is the component key that the seed defines`() throws {
        let work = try PasswordTests.workspace()
        let vectors = try #require(SealedVectors.load().phrases.values.first { $0.phrase == Workspace.words })
        let vector = try #require(vectors.componentKeys.first { !$0.componentId.isEmpty && $0.index < 1 << 40 })
        let key = try work.expect(
            0,
            ["key", "derive", "--index", "\(vector.index)", "--type", "x25519"] + unlock + ["--", vector.componentId])
        let secret = try work.expect(
            0, ["key", "show", String(key.text.dropLast()), "--secret"] + unlock)
        #expect(secret.text == vector.key + "\n")
    }

    @Test func `what cannot be derived is refused and leaves nothing`() throws {
        let work = try PasswordTests.workspace()
        #expect(try work.expect(69, ["key", "derive", "c", "--type", "ml_dsa"] + unlock).errors.contains("ml_dsa"))
        try work.expect(64, ["key", "derive", "c", "--type", "rsa"] + unlock)
        try work.expect(64, ["key", "derive", "c", "--index", "-1"] + unlock)
        try work.expect(64, ["key", "derive", "c"] + work.unlocking)
        try work.expect(77, ["key", "derive", "c", "--password-file", "new"])
        #expect(try work.expect(0, ["key", "list", "--json"]).json() as? [String] == [])
        try work.expect(0, ["key", "derive", "c"] + unlock)
        try work.expect(73, ["key", "derive", "c", "--index", "0", "--type", "secp256k1"] + unlock)
    }

    @Test func `keys that are derived at the same time all arrive`() throws {
        let work = try PasswordTests.workspace()
        let program = "OSNOVA_DATA_ROOT=root '\(Program.path)' key derive --password-file password"
        let outcome = try Program.shell(
            "for i in 1 2 3 4 5 6; do \(program) com.c & done; wait", in: work.folder)
        #expect(Set(outcome.lines).count == 6, "\(outcome.errors)")
        let rows = try #require(try work.expect(0, ["key", "list", "--json"]).json() as? [[String: Any]])
        #expect(rows.compactMap { $0["derivation_index"] as? Int } == Array(0..<6))
        for line in outcome.lines { try work.expect(0, ["key", "show", String(line), "--secret"] + unlock) }
    }
}
