import Foundation
import GRDB
import TestSupport
import Testing

@testable import Catalog

/// What the triggers note of other programs' writes; they must never fail their writer.
@Suite struct TriggerTests {
    private func noted(_ base: Base) throws -> Set<String> {
        Set(try Foreign.rows(base.path, "SELECT kind, CAST(key AS TEXT) AS key FROM dirty_rows"))
    }

    private func rows(_ names: [(Int, String)]) -> Set<String> {
        Set(names.map { #"[kind:\#($0.0) key:"\#($0.1)"]"# })
    }

    private static let seed = """
        INSERT INTO components VALUES ('a', 'n', '1', 'backend', NULL, NULL, NULL, '{}', 'ant://a', 1, NULL);
        INSERT INTO components VALUES ('b', 'n', '1', 'backend', NULL, NULL, NULL, '{}', NULL, 1, NULL);
        INSERT INTO component_registry VALUES ('a', '1', 1, 'e', 'running', 1, 1, 0);
        INSERT INTO applications(application_id, name, version, manifest_json, installed_at) VALUES ('p', 'n', '1', '{}', 1);
        INSERT INTO autonomi_cache VALUES ('ant://a', 'h', 'h', 1, 't', 1, 1, 1);
        """

    private static let writes: [(String, [(Int, String)])] = [
        ("INSERT INTO components SELECT 'c', 'n', '1', 'backend', '', '', '', '{}', '', 1, 1", [(1, "c")]),
        ("REPLACE INTO components SELECT 'a', 'n', '2', 'backend', '', '', '', '{}', '', 1, 1", [(1, "a")]),
        ("INSERT OR IGNORE INTO components SELECT 'a', 'n', '2', 'backend', '', '', '', '{}', '', 1, 1", []),
        (
            "INSERT INTO components SELECT 'a','n','2','backend','','','','{}','',1,1 WHERE true ON CONFLICT DO UPDATE SET name='x'",
            [(1, "a")]
        ),
        ("UPDATE components SET component_id = 'z' WHERE component_id = 'a'", [(1, "a"), (1, "z")]),
        ("UPDATE OR REPLACE components SET component_id = 'b' WHERE component_id = 'a'", [(1, "a"), (1, "b")]),
        ("UPDATE components SET component_id = NULL WHERE component_id = 'a'", [(1, "a")]),
        ("UPDATE components SET name = name || 'x'", [(1, "a"), (1, "b")]),
        ("DELETE FROM components", [(1, "a"), (1, "b")]),
        ("UPDATE component_registry SET last_heartbeat = 9", [(4, "a")]),
        ("REPLACE INTO component_registry VALUES ('a', '1', 2, 'e', 'crashed', 1, 1, 0)", [(4, "a")]),
        ("DELETE FROM component_registry", [(4, "a")]),
        ("INSERT INTO component_registry VALUES ('nobody', '1', 2, 'e', 'crashed', 1, 1, 0)", [(4, "nobody")]),
        ("UPDATE applications SET launch_count = 5", [(2, "p")]),
        ("UPDATE applications SET application_id = 'q'", [(2, "p"), (2, "q")]),
        ("DELETE FROM applications", [(2, "p")]),
        ("UPDATE autonomi_cache SET last_accessed = 5, access_count = access_count + 1", []),
        ("UPDATE autonomi_cache SET blob_hash = 'other'", [(3, "ant://a")]),
        ("UPDATE autonomi_cache SET autonomi_address = 'ant://b'", [(3, "ant://a"), (3, "ant://b")]),
        ("REPLACE INTO autonomi_cache VALUES ('ant://a', 'h', 'i', 1, 't', 1, 1, 1)", [(3, "ant://a")]),
        ("DELETE FROM autonomi_cache", [(3, "ant://a")]),
        ("UPDATE user_preferences SET value = 1; INSERT INTO user_preferences VALUES ('k', 'v', 1)", []),
    ]

    @Test(arguments: ["", "PRAGMA recursive_triggers = 1;"])
    func `every write notes the rows that it may have changed, and no others`(mode: String) throws {
        for (sql, expected) in Self.writes {
            let base = try Base()
            try base.foreign(Self.seed)
            try base.catalog.settle()
            #expect(try noted(base) == [])
            for _ in 0..<2 { try? base.foreign(mode + sql) }
            #expect(try noted(base).isSuperset(of: rows(expected)), "\(sql)")
            // Again and again is noted once, and nobody else is.
            #expect(try noted(base).isSubset(of: rows(expected)), "\(sql)")
            try base.catalog.settle()
            #expect(try noted(base) == [])
        }
    }

    @Test func `a write that is rolled back notes nothing`() throws {
        let base = try Base()
        try base.foreign("BEGIN;" + Self.seed + "ROLLBACK;")
        #expect(try noted(base) == [])
    }

    @Test func `the SQLite of another program runs the triggers`() throws {
        let base = try Base()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/sqlite3")
        process.arguments = [base.path, Self.seed]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        try base.catalog.settle()
        let snapshot = try base.snapshot()
        #expect(snapshot.entries("components").keys.sorted() == ["a", "b"])
        #expect(snapshot.entries("components/a").keys.sorted() == ["manifest.json", "metadata.json", "status.json"])
        #expect(snapshot.entries("apps").keys.sorted() == ["p"])
    }
}
