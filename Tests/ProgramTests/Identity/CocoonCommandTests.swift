import Foundation
import TestSupport
import Testing

/// Containers of other programs, opened and made.
@Suite struct CocoonCommandTests {
    private func workspace() throws -> Workspace {
        let work = try Workspace(initialize: false)
        try work.write("password", Data("password".utf8))
        try work.write("wrong", Data("Password".utf8))
        try work.write("key", Data((0..<32).map { UInt8($0) }))
        try work.write("hex", Data(((0..<32).map { String(format: "%02X", $0) }.joined() + "\n").utf8))
        return work
    }

    private func vector(_ name: String) -> String { Fixtures.url("cocoon/\(name).cocoon").path }

    @Test func `containers of the Rust crate open, malformed ones are 65, wrong passwords 77`() throws {
        let work = try workspace()
        let open = ["cocoon", "open", "--password-file", "password"]
        #expect(try work.expect(0, open + [vector("default_new_text")]).text == "my secret data")
        #expect(try work.expect(0, open + [vector("default_new_r1m")]).output.count == 1 << 20)
        let trailing = try work.expect(0, open + [vector("trailing_100")])
        #expect(trailing.text == "my secret data" && trailing.errors.contains("100 bytes"))
        let told = try work.expect(0, open + ["--json", vector("trailing_100")]).json() as? [String: Any]
        #expect(told?["payload_size"] as? Int == 14 && told?["trailing_size"] as? Int == 100)
        for name in ["bad_chacha_version_2", "bad_aes_len_2e63", "bad_trunc_24", "bad_utf8_bom"] {
            let outcome = try work.expect(65, open + [vector(name)])
            #expect(outcome.output.isEmpty && outcome.errors.split(separator: "\n").count == 1)
        }
        #expect(try work.expect(77, open + [vector("bad_chacha_flip_tag_last")]).output.isEmpty)
        try work.expect(77, ["cocoon", "open", "--password-file", "wrong", vector("default_new_text")])
        try work.expect(77, ["cocoon", "open", vector("default_new_text")])
        try work.expect(66, open + ["nowhere"])
        try work.write("empty", Data())
        let empty = ["cocoon", "open", "--password-file", "empty", vector("pw_empty_chacha_strong")]
        try work.expect(0, empty)
    }

    @Test(arguments: ["chacha20poly1305", "aes256gcm"])
    func `what is sealed is opened`(cipher: String) throws {
        let work = try workspace()
        let content = try work.write("payload", noise(5_000_000, seed: 4))
        let seal = ["cocoon", "seal", "--cipher", cipher, "-o", "sealed"]
        let told = try work.expect(0, seal + ["payload", "--password-file", "password", "--json"])
        #expect((try told.json() as? [String: Any])?["payload_size"] as? Int == content.count)
        #expect(try Program.shell("stat -c '%a %s' sealed", in: work.folder).text == "600 \(content.count + 60)\n")
        #expect(try work.expect(0, ["cocoon", "open", "sealed", "--password-file", "password"]).output == content)
        let piped = try work.expect(
            0, ["cocoon", "open", "-", "--password-file", "password"],
            input: Data(contentsOf: work.folder.appendingPathComponent("sealed")))
        #expect(piped.output == content)
        try work.expect(0, seal + ["payload", "--mini", "--key-file", "key"])
        let mini = ["cocoon", "open", "--mini", "--cipher", cipher, "sealed"]
        for key in ["key", "hex"] { #expect(try work.expect(0, mini + ["--key-file", key]).output == content) }
        try work.expect(0, seal + ["payload", "--mini", "--seed-file", "key", "--password-file", "password"])
        let seeded = try work.expect(0, mini + ["--seed-file", "hex", "--password-file", "password"])
        #expect(seeded.output == content)
        try work.expect(77, mini + ["--seed-file", "hex", "--password-file", "wrong"])
    }

    @Test func `what makes no sense is refused, and no output is left`() throws {
        let work = try workspace()
        try work.write("payload", Data("x".utf8))
        let seal = ["cocoon", "seal", "-o", "sealed", "payload"]
        try work.expect(64, seal + ["--mini"])
        try work.expect(64, seal + ["--key-file", "key"])
        try work.expect(64, seal + ["--mini", "--key-file", "password"])
        try work.expect(64, seal + ["--cipher", "rot13", "--password-file", "password"])
        try work.expect(77, seal)
        try work.expect(66, ["cocoon", "seal", "-o", "sealed", "nowhere", "--password-file", "password"])
        try work.expect(64, ["cocoon", "seal", "-o", "sealed", ".", "--password-file", "password"])
        #expect(
            !(try FileManager.default.contentsOfDirectory(atPath: work.folder.path)).contains { $0.hasPrefix("sealed") }
        )
    }
}
