import Foundation
import OsnovaStorage
import TestSupport
import Testing

@testable import Catalog

/// Databases of every released version, for ever.
@Suite struct MigrationTests {
    @Test(arguments: [1, 2]) func `a database of an older version is opened with all its rows`(version: Int) throws {
        let library = try Library(version: version)
        try library.catalog.read { (reading: Reading) throws -> Void in
            let notes = try #require(try reading.component("org.example.notes"))
            #expect(notes.semanticVersion.map { $0 > SemanticVersion("1.9.0") ?? $0 } == true)
            #expect(notes.lastUsed == 1_700_000_500)
            #expect(try reading.components().map(\.id).count == 3)
            #expect(try reading.component("org.example.broken")?.installedAt == -5)
            #expect(try reading.application("org.example.desk")?.launchCount == 7)
            #expect(try reading.registration(of: "org.example.sync")?.status == .running)
            #expect(try reading.keys().rows.map(\.type) == [.ed25519, .mlDSA])
            let amounts = try reading.transactions().rows.map(\.amount)
            #expect(amounts == ["18446744073709551616", "340282366920938463463374607431768211456.000000000000000001"])
            #expect(try reading.cacheEntry("ant://sync")?.accessCount == 3)
            let theme: String? = try reading.preference("theme")
            #expect(theme == "dark")
        }
        #expect(try library.catalog.search("machines").map(\.id) == ["org.example.sync"])
        #expect(try library.catalog.components(dependingOn: "org.example.sync").map(\.id) == ["org.example.notes"])
        #expect(try library.catalog.check().findings == [])
        #expect(try library.sqlite("SELECT max(version) FROM schema_version") == "\(Migrations.newest)")
    }

    @Test(arguments: [1, 2]) func `a copy is kept as it was before the first migration`(version: Int) throws {
        let library = try Library(version: version)
        let copy = library.folder.path("osnova.db.before-v\(version + 1)")
        #expect(try Library.sqlite(copy, "SELECT max(version) FROM schema_version") == "\(version)")
        #expect(try Library.sqlite(copy, "SELECT count(*) FROM components; PRAGMA integrity_check") == "3\nok")
        let mode = try FileManager.default.attributesOfItem(atPath: copy)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let names = try library.folder.names()
        #expect(names.filter { $0.contains("before") }.count == 1, "\(names)")
        // A database that is up to date, and one that is new, need none.
        try library.catalog.close()
        try Catalog(path: library.path) { _ in nil }.close()
        #expect(try library.folder.names().filter { $0.contains("before") } == ["osnova.db.before-v\(version + 1)"])
        let fresh = try Library().folder.names()
        #expect(!fresh.contains { $0.contains("before") })
    }

    @Test func `a migrated database is still usable by a program that knows only version 1`() throws {
        let library = try Library(version: 1)
        // As the shell would: its own statements, foreign keys off, no knowledge of our tables.
        try library.sqlite(
            """
            INSERT INTO components(component_id, name, version, type, manifest_json, installed_at)
                VALUES ('late', 'Latecomer', '1.0.0', 'backend', '{not json', 1800000000);
            UPDATE components SET description = 'arrived afterwards' WHERE component_id = 'late';
            INSERT OR REPLACE INTO applications(application_id, name, version, manifest_json, installed_at)
                VALUES ('app', 'App', '1', '{"components": [{"id": "late"}]}', 1800000000);
            INSERT INTO component_registry VALUES ('late', '1.0.0', 1, 'x', 'starting', 1, NULL, 0);
            UPDATE component_registry SET status = 'running' WHERE component_id = 'late';
            DELETE FROM component_registry WHERE component_id = 'org.example.sync';
            INSERT INTO keys_metadata(component_id, derivation_index, public_key, key_type, created_at)
                VALUES ('late', 0, 'cc', 'secp256k1', 1);
            UPDATE wallet_transactions SET status = 'failed' WHERE tx_hash = '0xdef';
            DELETE FROM wallet_transactions WHERE tx_hash = '0xabc';
            UPDATE autonomi_cache SET access_count = access_count + 1;
            INSERT OR REPLACE INTO user_preferences VALUES ('theme', '"light"', 2);
            DELETE FROM components WHERE component_id = 'org.example.broken';
            """)
        #expect(try library.catalog.search("latecomer afterwards").map(\.id) == ["late"])
        #expect(try library.catalog.search("broken").isEmpty)
        #expect(try library.catalog.applications(using: "late").map(\.id) == ["app"])
        try library.catalog.read { (reading: Reading) throws -> Void in
            #expect(try reading.registration(of: "late")?.status == .running)
            #expect(try reading.registration(of: "org.example.sync") == nil)
            #expect(try reading.key(publicKey: "cc")?.type == .secp256k1)
            #expect(try reading.transactions().rows.map(\.status) == [.failed])
            #expect(try reading.cacheEntry("ant://sync")?.accessCount == 4)
            let theme: String? = try reading.preference("theme")
            #expect(theme == "light")
        }
        #expect(try library.catalog.check().findings == [])
    }

    @Test func `a migration that fails changes nothing`() throws {
        let folder = try TemporaryFolder()
        try Library.place(2, in: folder)
        let path = folder.path("osnova.db")
        try Library.sqlite(path, "CREATE TABLE messages (mine)")
        let before = try Library.sqlite(path, ".dump")
        #expect(throws: OsnovaError.self) { try Catalog(path: path) { _ in nil } }
        #expect(try Library.sqlite(path, ".dump") == before)
        try Library.sqlite(path, "DROP TABLE messages")
        #expect(try Catalog(path: path) { _ in nil }.read { try $0.components().count } == 3)
    }

    @Test func `a trigger that another program dropped shuts nobody out`() throws {
        let library = try Library()
        let added = ["added", "changed", "removed"].map { "DROP TRIGGER further_keys_metadata_counted_\($0);" }
        try library.sqlite(
            """
            DROP TRIGGER messages_indexed_changed; \(added.joined())
            DELETE FROM schema_version WHERE version = 9; UPDATE store SET value = 8 WHERE key = 'schema_version'
            """)
        _ = try Catalog(path: library.path) { _ in nil }
        let triggers = "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'messages_indexed_%' AND type = 'trigger'"
        #expect(try library.sqlite(triggers) == "3")
    }

    @Test func `rows that were wrong before do not shut their owner out`() throws {
        let folder = try TemporaryFolder()
        try Library.place(1, in: folder)
        let path = folder.path("osnova.db")
        try Library.sqlite(path, "INSERT INTO component_registry VALUES ('orphan', '1', 1, 'x', 'stopped', 1, 1, 0)")
        let catalog = try Catalog(path: path) { _ in nil }
        #expect(try catalog.check().findings.count == 1, "told, not refused")
    }

    /// Rounds: the journal's kind is changed in a moment that two seldom share.
    @Test(arguments: 1...10) func `of several that migrate at once all succeed`(round: Int) throws {
        let folder = try TemporaryFolder()
        try Library.place(1, in: folder)
        let path = folder.path("osnova.db")
        let outcomes = Outcomes()
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            do { try Catalog(path: path) { _ in nil }.close() } catch { outcomes.add("\(error)") }
        }
        #expect(outcomes.all == [])
        #expect(try Library.sqlite(path, "SELECT count(*) FROM schema_version") == "\(Migrations.newest)")
    }

    @Test func `a newer schema is refused in a line`() throws {
        let library = try Library()
        try library.catalog.close()
        try library.sqlite("UPDATE store SET value = 99 WHERE key = 'schema_version'")
        expect(.damaged, mentioning: "99") { _ = try Catalog(path: library.path) { _ in nil } }
    }
}

/// What several threads have to say.
final class Outcomes: @unchecked Sendable {
    private let lock = NSLock()
    private var lines: [String] = []

    func add(_ line: String) { lock.withLock { lines.append(line) } }
    var all: [String] { lock.withLock { lines } }
}
