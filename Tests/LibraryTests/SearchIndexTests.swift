import OsnovaStorage
import TestSupport
import Testing

/// The index of search and of manifest queries, where it and its rows are not what they should be.
@Suite struct SearchIndexTests {
    @Test func `a row that the index has lost is indexed anew when it changes`() throws {
        let library = try Library()
        for id in ["c1", "c2"] { try library.install(id) }
        try library.sqlite("DELETE FROM search_documents WHERE key = CAST('c1' AS BLOB)")
        try library.sqlite("UPDATE components SET last_used = 5")
        #expect(try library.catalog.search("c1").map(\.id) == ["c1"])
        // The next number is one that the index has an entry of.
        try library.sqlite("DELETE FROM search_documents WHERE key = CAST('c1' AS BLOB)")
        try library.sqlite("DELETE FROM search_documents WHERE key = CAST('c2' AS BLOB)")
        try library.sqlite("UPDATE components SET last_used = 6")
        #expect(try library.catalog.search("c1").map(\.id) == ["c1"])
        #expect(try library.catalog.search("c2").map(\.id) == ["c2"])
    }

    @Test func `a digest that is none is made anew`() throws {
        let library = try Library()
        try library.install("c")
        try library.sqlite("UPDATE search_documents SET digest = 5")
        try library.sqlite("UPDATE components SET description = 'harbour'")
        #expect(try library.catalog.search("harbour").map(\.id) == ["c"])
    }

    @Test func `a long name does not multiply a manifest`() throws {
        let library = try Library()
        let name = String(repeating: "k", count: 20_000)
        let numbers = (0..<2_000).map { "\($0)" }.joined(separator: ",")
        try library.install(
            "c", manifest: #"{"\#(name)": [\#(numbers)], "o": {"\#(name)": {"p": [1]}}, "list": [[1], {"id": "x"}]}"#)
        let paths = try library.sqlite("SELECT DISTINCT path FROM manifest_fields ORDER BY path")
        #expect(paths == "list[].id\nlist[][]")
        #expect(try library.catalog.components(whereManifest: "list[].id", is: "x").map(\.id) == ["c"])
    }

    @Test func `a component whose id is a blob is shown, found and removed`() throws {
        let library = try Library()
        try library.sqlite(
            """
            INSERT INTO components VALUES (x'6331', 'harbour', '1', 'backend', NULL, NULL, NULL,
                '{"author": "Ada", "dependencies": ["base"]}', NULL, 1, NULL);
            INSERT INTO component_registry VALUES (x'6331', '1', 999999999, 'e', 'running', 1, 1, 0);
            INSERT INTO applications(application_id, name, version, manifest_json, installed_at)
                VALUES (x'6131', 'lighthouse', '1', '{}', 1);
            """)
        #expect(try library.catalog.search("harbour").map(\.id) == ["c1"])
        #expect(try library.catalog.search("lighthouse").map(\.id) == ["a1"])
        #expect(try library.catalog.components(whereManifest: "author", is: "Ada").map(\.id) == ["c1"])
        #expect(try library.catalog.components(dependingOn: "base").map(\.id) == ["c1"])
        #expect(try library.catalog.read { try $0.component("c1")?.name } == "harbour")
        #expect(try library.catalog.read { try $0.application("a1")?.name } == "lighthouse")
        #expect(try library.catalog.write { try $0.removeComponent("c1") })
        #expect(try library.catalog.write { try $0.removeApplication("a1") })
        #expect(try library.catalog.read { try $0.components().isEmpty && $0.applications().isEmpty })
        #expect(try library.catalog.search("harbour").isEmpty)
    }
}
