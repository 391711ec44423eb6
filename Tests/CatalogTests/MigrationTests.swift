import Dispatch
import Foundation
import GRDB
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import Catalog

/// Databases that other programs made, and what becomes of them.
@Suite struct MigrationTests {
    private static let tables = [
        "components", "applications", "component_registry", "keys_metadata", "wallet_transactions", "autonomi_cache",
        "user_preferences", "schema_version",
    ]

    private func open(_ path: String) throws -> Catalog { try Catalog(path: path) { _ in nil } }

    /// A database of schema version 1 that another implementation made, with rows in every table.
    private func foreignDatabase() throws -> (folder: TemporaryFolder, path: String) {
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(
            at: Fixtures.url("foreign-root/root/osnova.db"), to: folder.url.appending(path: "osnova.db"))
        return (folder, folder.path("osnova.db"))
    }

    /// Columns, keys and indices of the seed's tables.
    private func shape(_ path: String) throws -> [String] {
        try Self.tables.flatMap { table in
            try Foreign.rows(path, "SELECT '\(table)', * FROM pragma_table_xinfo('\(table)')")
                + Foreign.rows(path, "SELECT '\(table)', * FROM pragma_foreign_key_list('\(table)')")
                + Foreign.rows(
                    path,
                    """
                    SELECT '\(table)', list.origin, list.partial, list."unique", info.seqno, info.name, info.desc
                    FROM pragma_index_list('\(table)') AS list, pragma_index_xinfo(list.name) AS info
                    WHERE list.name LIKE 'idx_%' OR list.origin != 'c' ORDER BY list.name, info.seqno
                    """)
        }
    }

    private func dump(_ path: String) throws -> [String] {
        let schema = try Foreign.rows(path, "SELECT type, name, sql FROM sqlite_master ORDER BY type, name")
        let tables =
            try Foreign.rows(path, "SELECT name FROM sqlite_master WHERE type = 'table'").isEmpty ? [] : Self.tables
        return try schema + tables.flatMap { try Foreign.rows(path, "SELECT * FROM \($0) ORDER BY 1") }
    }

    @Test func `a fresh database has the seed's tables as another implementation made them, and its version`() throws {
        let base = try Base()
        let (folder, path) = try foreignDatabase()
        #expect(try shape(base.path) == shape(path))
        let versions = try base.integers("SELECT version FROM schema_version ORDER BY version")
        #expect(versions == Array(1...Int64(Migrations.newest)))
        #expect(try base.snapshot().paths == ["", "apps", "blobs", "cache", "components", "files"])
        withExtendedLifetime(folder) {}
    }

    @Test func `migration leaves the seed's tables and every row in them as they were`() throws {
        let (folder, path) = try foreignDatabase()
        let before = try shape(path)
        let rows = try Self.tables.dropLast().flatMap { try Foreign.rows(path, "SELECT * FROM \($0) ORDER BY 1") }
        let catalog = try open(path)
        #expect(try shape(path) == before)
        #expect(try Self.tables.dropLast().flatMap { try Foreign.rows(path, "SELECT * FROM \($0) ORDER BY 1") } == rows)
        #expect(try catalog.integrityFindings() == [])
        let snapshot = try Snapshot(CatalogReader(path: path))
        #expect(try snapshot.entries("components").count == catalog.read { try $0.components().count })
        #expect(try snapshot.entries("apps").count == catalog.read { try $0.applications().count })
        try catalog.close()
        let migrated = try dump(path)
        try open(path).close()
        #expect(try dump(path) == migrated, "the second time there is nothing to do")
        withExtendedLifetime(folder) {}
    }

    @Test func `a program that knows only version 1 works on`() throws {
        let (folder, path) = try foreignDatabase()
        try open(path).close()
        for table in Self.tables.dropLast() {
            let columns = try Foreign.rows(path, "SELECT name FROM pragma_table_info('\(table)')").count
            #expect(columns > 0)
        }
        try Foreign.run(
            path,
            """
            PRAGMA foreign_keys = ON;
            BEGIN;
            INSERT INTO components VALUES ('new', 'n', '1.0.0', 'backend', NULL, NULL, NULL, '{}', NULL, 1, NULL);
            INSERT INTO component_registry VALUES ('new', '1.0.0', 1, 'e', 'running', 1, NULL, 0);
            INSERT INTO applications(application_id, name, version, manifest_json, installed_at)
                VALUES ('new', 'n', '1', '{}', 1);
            INSERT INTO autonomi_cache VALUES ('new', 'h', 'h', 1, 't', 1, 1, 1);
            INSERT INTO keys_metadata(component_id, derivation_index, public_key, key_type, created_at)
                VALUES ('new', 99, 'pk-new', 'ed25519', 1);
            INSERT INTO wallet_transactions(tx_hash, from_address, to_address, amount, network, status, timestamp)
                VALUES ('new', 'a', 'b', '1', 'n', 'pending', 1);
            INSERT INTO user_preferences VALUES ('new', 'v', 1);
            UPDATE components SET version = '1.0.1', last_used = 2 WHERE component_id = 'new';
            UPDATE applications SET launch_count = launch_count + 1;
            UPDATE autonomi_cache SET last_accessed = 5, access_count = access_count + 1;
            UPDATE component_registry SET status = 'stopped', last_heartbeat = 7;
            DELETE FROM component_registry;
            DELETE FROM components;
            DELETE FROM applications;
            DELETE FROM autonomi_cache;
            COMMIT;
            """)
        let catalog = try open(path)
        #expect(try catalog.integrityFindings() == [])
        #expect(
            try Snapshot(CatalogReader(path: path)).paths.filter { $0.contains("/") && !$0.hasPrefix("blobs") } == [])
        withExtendedLifetime(folder) {}
    }

    @Test func `rows of any type and without an id do not stop a migration`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("osnova.db")
        try Foreign.run(
            path,
            SeedSchema.sql
                + """
                INSERT INTO schema_version VALUES (1, 1, 'x');
                INSERT INTO components VALUES ('A', 'text', '1', 'backend', NULL, NULL, NULL, '{}', NULL, 1, NULL),
                    (x'41', 'blob', '1', 'backend', NULL, NULL, NULL, '{}', NULL, 1, NULL),
                    (NULL, 'null', '1', 'backend', NULL, NULL, NULL, '{}', NULL, 1, NULL);
                INSERT INTO autonomi_cache VALUES ('B', 'h', 'h', 1, 't', 1, 1, 1), (x'42', 'h', 'h', 1, 't', 1, 1, 1);
                INSERT INTO applications(application_id, name, version, manifest_json, installed_at)
                    VALUES ('C', 'n', '1', x'ff', 1), (x'43', 'n', '1', 7, 'x');
                """)
        _ = try open(path)
        let snapshot = try Snapshot(CatalogReader(path: path))
        #expect(snapshot.entries("components").keys.sorted() == ["A"])
        #expect(snapshot.entries("apps").keys.sorted() == ["C"])
    }

    @Test(arguments: [
        "INSERT INTO schema_version VALUES (\(Migrations.newest + 1), 1, 'the future')",
        "INSERT INTO schema_version VALUES (4000000000, 1, 'the far future')",
        "UPDATE store SET value = \(Migrations.newest + 1) WHERE key = 'schema_version'",
    ]) func `a newer schema is refused and left alone`(sql: String) throws {
        let base = try Base()
        try base.catalog.close()
        try base.foreign(sql)
        let before = try dump(base.path)
        #expect(kind { _ = try open(base.path) } == .damaged)
        #expect(try dump(base.path) == before)
    }

    @Test func `a jump to a future version without our tables is a newer schema too`() throws {
        let (folder, path) = try foreignDatabase()
        let jump = "(1, 1, ''), (\(Migrations.newest + 2), 1, '')"
        try Foreign.run(path, "DELETE FROM schema_version; INSERT INTO schema_version VALUES \(jump)")
        let before = try dump(path)
        #expect(kind { _ = try open(path) } == .damaged)
        #expect(try dump(path) == before)
        withExtendedLifetime(folder) {}
    }

    @Test(arguments: ["CREATE TABLE nodes(x)", "CREATE TABLE node_changes(x)", "CREATE TABLE cache_by_blob(x)"])
    func `a migration that fails changes nothing`(obstacle: String) throws {
        let (folder, path) = try foreignDatabase()
        try Foreign.run(path, obstacle)
        let before = try dump(path)
        #expect(throws: OsnovaError.self) { _ = try open(path) }
        #expect(try dump(path) == before)
        withExtendedLifetime(folder) {}
    }

    @Test func `what is no database is damage, what is missing is missing`() throws {
        let folder = try TemporaryFolder()
        try folder.write("text", Data(String(repeating: "no database ", count: 1000).utf8))
        #expect(kind { _ = try open(folder.path("text")) } == .damaged)
        #expect(kind { _ = try open(folder.path("nowhere")) } == .notFound)
        #expect(kind { _ = try Catalog(path: folder.path("text"), creating: true) { _ in nil } } == .cannotCreate)
    }

    @Test func `processes that meet an old database at the same time all get it migrated`() throws {
        for _ in 0..<3 {
            let (folder, path) = try foreignDatabase()
            let failures = Mutex<[String]>([])
            DispatchQueue.concurrentPerform(iterations: 6) { _ in
                do { try open(path).close() } catch { failures.withLock { $0.append("\(error)") } }
            }
            #expect(failures.withLock { $0 } == [])
            withExtendedLifetime(folder) {}
        }
    }
}
