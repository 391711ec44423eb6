import OsnovaStorage
import Testing

/// Full-text search and questions about manifests.
@Suite struct SearchTests {
    private func say(_ library: Library, _ texts: String...) throws {
        try library.catalog.write { writing in
            for text in texts { try writing.save(Message(channel: "general", sender: "ada", body: text)) }
        }
    }

    @Test func `words, prefixes and phrases are found, the best first, with the place shown`() throws {
        let library = try Library()
        try say(
            library, "the harbour is quiet", "a quiet harbour, a harbour at night, harbour lights",
            "harbours of Zürich",
            "nothing of the kind")
        func found(_ query: String) throws -> [String] {
            try library.catalog.search(query, in: [.message]).map(\.id)
        }
        #expect(try found("harbour") == ["2", "1"])
        #expect(Set(try found("harb*")) == ["1", "2", "3"])
        #expect(try found("\"quiet harbour\"") == ["2"])
        #expect(try found("quiet lights") == ["2"])
        #expect(try found("zurich") == ["3"], "diacritics do not matter")
        #expect(try found("occursnowhere") == [])
        #expect(try library.catalog.search("night").first?.snippet.contains("[night]") == true)
        #expect(try library.catalog.search("harbour", limit: 1).count == 1)
    }

    @Test func `a name weighs more than a description`() throws {
        let library = try Library()
        try library.catalog.write { writing in
            try writing.save(
                Component(
                    id: "a", name: "Other", version: "1", kind: .backend, description: "sync sync", manifest: "{}"))
            try writing.save(Component(id: "b", name: "Sync", version: "1", kind: .backend, manifest: "{}"))
            try writing.save(Application(id: "sync.app", name: "App", version: "1", manifest: "{}"))
        }
        #expect(try library.catalog.search("sync").map(\.id) == ["b", "a", "sync.app"])
        #expect(try library.catalog.search("sync", in: [.application]).map(\.kind) == [.application])
    }

    @Test func `what a foreign writer adds, changes and removes is found at once`() throws {
        let library = try Library()
        try library.sqlite(
            "INSERT INTO messages(channel, sender, timestamp, body) VALUES ('c', 's', 1, 'first text'), ('c', 's', 2, 'x')"
        )
        #expect(try library.catalog.search("first").count == 1)
        try library.sqlite("UPDATE messages SET body = 'second text' WHERE id = 1")
        #expect(try library.catalog.search("first").isEmpty)
        #expect(try library.catalog.search("second").count == 1)
        try library.sqlite("INSERT OR REPLACE INTO messages VALUES (1, 'c', 's', 1, 'third', NULL)")
        #expect(try library.catalog.search("second").isEmpty)
        #expect(try library.catalog.search("third").count == 1)
        try library.sqlite("UPDATE messages SET id = 50 WHERE id = 1")
        #expect(try library.catalog.search("third").map(\.id) == ["50"])
        // The same column by one of its other names.
        try library.sqlite("UPDATE messages SET rowid = 60 WHERE id = 50")
        #expect(try library.catalog.search("third").map(\.id) == ["60"])
        try library.sqlite("UPDATE OR REPLACE messages SET oid = 2 WHERE id = 60")
        #expect(try library.catalog.search("third").map(\.id) == ["2"])
        #expect(try library.catalog.search("x").isEmpty)
        try library.sqlite("DELETE FROM messages")
        #expect(try library.catalog.search("third").isEmpty)
        #expect(try library.catalog.check().findings == [])
    }

    @Test func `a quote under a combining mark is a quote, and no way to FTS5's operators`() throws {
        let library = try Library()
        try say(library, "the harbour is quiet", "lights")
        for mark in ["\u{301}", "\u{200D}", "\u{FE0F}"] {
            expect(.usage, mentioning: "quote") { _ = try library.catalog.search("harbour\"\(mark)") }
            #expect(try library.catalog.search("nowhere\"\(mark) OR harbour OR \"\(mark)nowhere").isEmpty)
            #expect(try library.catalog.search("harbour \"\(mark)is quiet\"").map(\.id) == ["1"])
        }
    }

    @Test func `no trigger needs more than plain SQL`() throws {
        let library = try Library()
        let triggers = try library.sqlite("SELECT sql FROM sqlite_schema WHERE type = 'trigger'").lowercased()
        for word in ["json", "match", "message_search(", "package_search", "unixepoch", "regexp"] {
            #expect(!triggers.contains(word), "a trigger runs in programs whose SQLite may lack this: \(word)")
        }
        let indices = try library.sqlite("SELECT coalesce(sql, '') FROM sqlite_schema WHERE type = 'index'")
        #expect(!indices.contains("json"), "an index over JSON would refuse a row that holds none")
    }

    @Test(arguments: [
        "", " ", "\"", "a\"", "\"\"", "*", "***", "()", "^", "\u{0}", "a\u{0}b", "-", ":",
        String(repeating: "a", count: 1025),
        String(repeating: "a ", count: 33),
    ])
    func `a query without sense is an error in a line`(query: String) throws {
        let library = try Library()
        expect(.usage, mentioning: "search query") { _ = try library.catalog.search(query) }
    }

    @Test(arguments: [
        "a OR b", "NOT", "AND AND", "NEAR(a b)", "body:x", "{body}: x", "a - b", "^a", "a + b", "\"a\" \"b\"*", "a*b*",
        "'; DROP TABLE messages; --", "a'b", "naïve\"x y\"*z", "𝔘𝔫𝔦 *", "\u{202E}abc", "\"a*\"", "%s%n", "1.5",
    ])
    func `a hostile query is only text`(query: String) throws {
        let library = try Library()
        try say(library, "some text")
        _ = try library.catalog.search(query)
        #expect(try library.catalog.search("some").count == 1)
    }

    @Test func `a use of a component does not make it new to the index`() throws {
        let library = try Library()
        try library.install("c", manifest: #"{"author": "Ada"}"#)
        let before = try library.sqlite("SELECT count(*), max(id) FROM package_search_data")
        try library.sqlite("UPDATE components SET last_used = 7")
        #expect(try library.catalog.search("c").count == 1)
        #expect(try library.sqlite("SELECT count(*), max(id) FROM package_search_data") == before)
    }

    @Test func `manifests are asked by any path`() throws {
        let library = try Library()
        try library.install(
            "a", manifest: #"{"author": "Ada", "config": {"port": 80, "on": true, "a.b": "dot"}, "tags": ["x", "y"]}"#)
        try library.install("b", manifest: #"{"author": "Bob", "config": {"port": 8.5}, "x": null}"#)
        try library.install("c", manifest: "no json")
        try library.install("d", manifest: #"["author"]"#)
        func ids(_ path: String, _ value: String) throws -> [String] {
            try library.catalog.components(whereManifest: path, is: value).map(\.id)
        }
        #expect(try ids("author", "Ada") == ["a"])
        #expect(try ids("config.port", "80") == ["a"])
        #expect(try ids("config.port", "8.5") == ["b"])
        #expect(try ids("config.on", "true") == ["a"])
        #expect(try ids("config.a\\.b", "dot") == ["a"])
        #expect(try ids("tags[]", "y") == ["a"])
        #expect(try ids("author", "'; DROP") == [])
        try library.catalog.read { (reading: Reading) throws -> Void in
            #expect(try reading.manifestValue(ofComponent: "a", path: "$.config.port") == "80")
            #expect(try reading.manifestValue(ofComponent: "a", path: "$.tags") == #"["x","y"]"#)
            #expect(try reading.manifestValue(ofComponent: "a", path: "$.none") == nil)
            #expect(try reading.manifestValue(ofComponent: "z", path: "$.none") == nil)
        }
        expect(.damaged, mentioning: "c is no JSON") {
            _ = try library.catalog.read { try $0.manifestValue(ofComponent: "c", path: "$.x") }
        }
        expect(.usage) { _ = try library.catalog.read { try $0.manifestValue(ofComponent: "a", path: "config") } }
        try library.sqlite(#"UPDATE components SET manifest_json = '{"author": "Eve"}' WHERE component_id = 'a'"#)
        #expect(try ids("author", "Ada") == [])
        #expect(try ids("author", "Eve") == ["a"])
        #expect(try library.catalog.check().notes.count == 1)
    }

    @Test func `a number of a manifest is asked for in its shortest form`() throws {
        let library = try Library()
        try library.install(
            "c", manifest: #"{"n": [9223372036854775807, 1.50, 1e3, 100000000000000000000, "1.50"], "m": 1.50}"#)
        func isFound(_ path: String, _ value: String) throws -> Bool {
            try !library.catalog.components(whereManifest: path, is: value).isEmpty
        }
        for value in ["9223372036854775807", "1.5", "1000.0", "1e+20", "1.50"] { #expect(try isFound("n[]", value)) }
        #expect(try !isFound("m", "1.50"), "a text is as it is, a number is not")
    }

    @Test func `dependencies are found in each of their forms`() throws {
        let library = try Library()
        try library.install("list", manifest: #"{"dependencies": ["org.base"]}"#)
        try library.install("objects", manifest: #"{"dependencies": [{"id": "org.base", "version": "^1"}]}"#)
        try library.install("members", manifest: #"{"dependencies": {"org.base": "^1"}}"#)
        try library.install("nested", manifest: #"{"dependencies": {"org": {"base": "^1"}}}"#)
        #expect(
            try library.catalog.components(dependingOn: "org.base").map(\.id) == ["list", "members", "objects"])
    }

    @Test func `a manifest of absurd depth or size is kept and costs little`() throws {
        let library = try Library()
        let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
        try library.install("deep", manifest: deep)
        let wide = "[" + (0..<20_000).map { "\"v\($0)\"" }.joined(separator: ",") + "]"
        try library.install("wide", manifest: "{\"list\": \(wide)}")
        #expect(try library.catalog.components(whereManifest: "list[]", is: "v7").map(\.id) == ["wide"])
        #expect(try library.sqlite("SELECT count(*) FROM manifest_fields") == "4096")
        #expect(try library.catalog.read { try $0.component("deep")?.manifest.utf8.count } == 200_000)
    }
}
