import Foundation
import TestSupport
import Testing

/// The commands over the tables of the library.
@Suite struct LibraryCommandTests {
    private func items(_ outcome: Program.Outcome) throws -> [[String: Any]] {
        let document = try outcome.json()
        return try #require((document as? [String: Any])?["items"] as? [[String: Any]] ?? document as? [[String: Any]])
    }

    @Test func `messages are added, listed page by page, searched, shown and removed`() throws {
        let work = try Workspace()
        try work.write("f", Data("attached".utf8))
        let hash = String(try work.put(["f"]).text.prefix(64))
        let say = ["message", "add", "--channel", "general", "--sender", "ada"]
        for number in 1...5 {
            let added = try work.expect(0, say + ["--timestamp", "\(1_700_000_000 + number)", "The harbour \(number)"])
            #expect(added.text == "\(number)\n")
        }
        try work.expect(0, say + ["--attachment", hash])
        let first = try work.expect(0, ["message", "list", "--json", "--limit", "2", "--channel", "general"])
        #expect(try items(first).map { $0["id"] as? Int } == [6, 5])
        let next = try #require((try first.json() as? [String: Any])?["next"] as? String)
        let rest = try work.expect(0, ["message", "list", "--json", "--after", next, "--channel", "general"])
        #expect(try items(rest).map { $0["id"] as? Int } == [4, 3, 2, 1])
        try work.expect(64, ["message", "list", "--after", next])
        #expect(try work.expect(0, ["message", "list"]).lines.count == 7)
        let hits = try #require(
            try work.expect(0, ["search", "harb*", "--kind", "message", "--json"]).json() as? [[String: Any]])
        #expect(hits.count == 5)
        #expect((hits.first?["snippet"] as? String)?.contains("[harbour]") == true)
        try work.expect(0, ["message", "remove", "6"])
        try work.expect(66, ["message", "show", "6"])
        try work.expect(66, ["message", "remove", "6"])
        try work.expect(66, say + ["--attachment", String(repeating: "0", count: 64)])
        try work.expect(64, say)
        try work.expect(64, say + ["--timestamp=-5", "x"])
        try work.expect(64, say + ["--timestamp=9223372036854775808", "x"])
    }

    @Test func `transactions are recorded, changed and summed`() throws {
        let work = try Workspace()
        let amount = "340282366920938463463374607431768211456.000000000000000001"
        try work.expect(64, ["tx", "set", "0x1", "--from", "a"])
        try work.expect(64, ["tx", "set", "0x1", "--from", "a", "--to", "b", "--network", "n", "--amount", "1e18"])
        for hash in ["0x1", "0x2"] {
            try work.expect(
                0, ["tx", "set", hash, "--from", "a", "--to", "b", "--network", "n", "--amount", amount])
        }
        try work.expect(0, ["tx", "set", "0x2", "--status", "confirmed"])
        #expect(
            try work.expect(0, ["tx", "total", "--network", "n"]).text
                == "680564733841876926926749214863536422912.000000000000000002\n")
        let confirmed = try items(work.expect(0, ["tx", "list", "--status", "confirmed", "--json"]))
        #expect(confirmed.map { $0["hash"] as? String } == ["0x2"])
        #expect(confirmed.map { $0["amount"] as? String } == [amount])
        try work.sqlite("UPDATE wallet_transactions SET to_address = '' WHERE tx_hash = '0x1'")
        #expect(try work.expect(0, ["tx", "set", "0x1", "--status", "failed"]).text.hasSuffix(": failed\n"))
        try work.expect(64, ["tx", "list", "--status", "lost"])
        try work.expect(0, ["tx", "remove", "0x2"])
        try work.expect(66, ["tx", "show", "0x2"])
    }

    @Test func `preferences are any JSON`() throws {
        let work = try Workspace()
        try work.expect(0, ["pref", "set", "ui.window", #"{"width": 800}"#])
        try work.expect(0, ["pref", "set", "ui.theme", #""dark""#])
        try work.expect(64, ["pref", "set", "ui.theme", "dark"])
        #expect(try work.expect(0, ["pref", "show", "ui.theme"]).text == "\"dark\"\n")
        #expect(
            try items(work.expect(0, ["pref", "list", "ui.", "--json"])).map { $0["key"] as? String } == [
                "ui.theme", "ui.window",
            ])
        try work.expect(0, ["pref", "remove", "ui.theme"])
        try work.expect(66, ["pref", "show", "ui.theme"])
    }

    @Test func `components are listed by what their manifests declare`() throws {
        let work = try Workspace()
        for (id, version, needs) in [("org.a", "1.9.0", "org.b"), ("org.b", "1.10.0", "org.c")] {
            let manifest =
                #"{"id": "\#(id)", "name": "N", "version": "\#(version)", "kind": "backend", "dependencies": ["\#(needs)"]}"#
            try work.expect(0, ["component", "install", "-"], input: Data(manifest.utf8))
        }
        func ids(_ options: String...) throws -> [String?] {
            try items(work.expect(0, ["component", "list", "--json"] + options)).map { $0["id"] as? String }
        }
        #expect(try ids("--depends-on", "org.b") == ["org.a"])
        #expect(try ids("--manifest", "version=1.10.0") == ["org.b"])
        #expect(try ids("--at-least", "1.9.1") == ["org.b"])
        #expect(try ids("--kind", "frontend") == [])
        try work.expect(64, ["component", "list", "--at-least", "1", "--kind", "backend"])
        try work.expect(64, ["component", "list", "--at-least", "new"])
        try work.sqlite("INSERT INTO component_registry VALUES ('org.a', '1', 1, 'e', 'running', 1, 1, 3)")
        let status = try items(work.expect(0, ["component", "status", "--json"]))
        #expect(status.map { $0["restart_count"] as? Int } == [3])
        #expect(status.map { $0["is_stale"] as? Bool } == [true])
        try work.expect(64, ["component", "status", "--stale-after=-9223372036854775808"])
    }

    @Test func `search refuses hostile queries in a line`() throws {
        let work = try Workspace()
        for query in ["\"", "***", "()", ""] { try work.expect(64, ["search", query]) }
        for query in ["a OR b", "NEAR(x)", "'; DROP TABLE messages; --"] {
            #expect(try work.expect(0, ["search", "--json", query]).text == "[\n\n]\n")
        }
    }

    @Test func `the database is checked, measured and vacuumed`() throws {
        let work = try Workspace()
        try work.sqlite("INSERT INTO user_preferences VALUES ('p', 'no json', 1)")
        let check = try #require(try work.expect(0, ["db", "check", "--json"]).json() as? [String: Any])
        #expect(check["ok"] as? Bool == true)
        #expect((check["notes"] as? [String])?.count == 1)
        try work.sqlite("INSERT INTO component_registry VALUES ('orphan', '1', 1, 'e', 'running', 1, 1, 0)")
        let broken = try work.expect(65, ["db", "check"])
        #expect(broken.text.contains("component_registry refers to nothing in components"))
        try work.sqlite("DELETE FROM component_registry")
        try work.sqlite("INSERT INTO user_preferences SELECT value, zeroblob(10000), 1 FROM generate_series(1, 300)")
        try work.sqlite("DELETE FROM user_preferences")
        try work.expect(0, ["db", "vacuum"])
        let stats = try #require(try work.expect(0, ["db", "stats", "--json"]).json() as? [String: Any])
        #expect(try #require(stats["free_bytes"] as? Int) < 100_000)
        let versions = try work.sqlite("SELECT max(version) FROM schema_version")
        #expect(stats["schema_version"] as? Int == Int(versions))
        try work.expect(0, ["db", "vacuum", "--full"])
        try work.expect(0, ["db", "check"])
        try work.expect(0, ["message", "add", "--channel", "general", "--sender", "ada", "The harbour"])
        try work.sqlite("DELETE FROM message_search")
        #expect(try work.expect(65, ["db", "check"]).text.contains("message_search has other rows than its tables"))
        #expect(try work.expect(0, ["db", "check", "--repair"]).text.contains("sound"))
        #expect(try work.expect(0, ["search", "harbour"]).text.contains("The [harbour]"))
    }
}

/// Names of uploaded files, changed while a mount shows them.
@Suite(.serialized, .enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
struct FileCommandTests {
    @Test func `a rename is seen in a live mount, and everything stays what it was`() throws {
        let work = try Workspace()
        try work.write("f", Data("content".utf8))
        try work.put(["f"], options: ["--as", "a/b/c.txt"])
        try work.mount()
        let files = work.mounted("files").path
        func inode(_ path: String) throws -> String { try Program.shell("stat -c %i '\(files)/\(path)'").text }
        let (directory, file) = (try inode("a/b"), try inode("a/b/c.txt"))
        try work.expect(0, ["file", "rename", "a/b", "x/y z"])
        #expect(eventually(within: 1) { try inode("x/y z/c.txt") == file })
        #expect(try inode("x/y z") == directory)
        #expect(eventually(within: 1) { try Program.shell("ls -A '\(files)/a'").text.isEmpty })
        #expect(try Program.shell("cat '\(files)/x/y z/c.txt'").text == "content")
        #expect(try Program.shell("cat '\(files)/a/b/c.txt'").code != 0)
        #expect(try Program.shell("stat -c %h '\(files)/x/y z/c.txt'").text == "2\n")
        // The path that it has, as with put: everything up to '..' is dropped.
        #expect(try work.expect(0, ["file", "rename", "x/y z/c.txt", "../top.txt"]).text == "renamed to top.txt\n")
        #expect(eventually(within: 1) { try inode("top.txt") == file })
        try work.expect(73, ["file", "rename", "x", "x/deeper"])
        try work.expect(73, ["file", "rename", "top.txt", "x"])
        try work.expect(66, ["file", "rename", "nothing", "y"])
        try work.expect(64, ["file", "rename", "top.txt", String(repeating: "x", count: 256)])
        try work.expect(73, ["file", "remove", "x"])
        try work.expect(0, ["file", "remove", "-r", "x"])
        try work.expect(0, ["file", "remove", "top.txt"])
        try work.expect(66, ["file", "remove", "top.txt"])
        #expect(eventually(within: 1) { try Program.shell("ls -A '\(files)'").text == "a\n" })
        try work.unmount()
    }

    @Test func `a file takes the place of a file, as rename does`() throws {
        let work = try Workspace()
        try work.write("f", Data("first".utf8))
        try work.write("g", Data("second".utf8))
        try work.put(["f", "g"])
        try work.mount()
        #expect(try Program.shell("cat '\(work.mounted("files/g").path)'").text == "second")
        try work.expect(0, ["file", "rename", "f", "g"])
        #expect(eventually(within: 1) { try Program.shell("cat '\(work.mounted("files/g").path)'").text == "first" })
        let listed = try work.expect(0, ["file", "list", "--json"])
        #expect(try (listed.json() as? [[String: Any]])?.count == 1)
        try work.unmount()
    }
}
