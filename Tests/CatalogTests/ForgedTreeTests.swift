import Primitives
import TestSupport
import Testing
import Tree

@testable import Catalog

/// Trees that nobody makes by `put`: deeper than any stack, or rows that lie below themselves.
@Suite(.timeLimit(.minutes(1))) struct ForgedTreeTests {
    @Test func `a directory is removed however deep it is`() throws {
        let base = try Base()
        let before = try base.integers("SELECT count(*) FROM nodes")
        try base.catalog.write { try $0.saveDirectory(at: Array(repeating: bytes("d"), count: 20_000)) }
        #expect(try base.catalog.write { try $0.removeFile(at: [bytes("d")], recursive: true) })
        #expect(try base.integers("SELECT count(*) FROM nodes") == before)
    }

    @Test func `a component that lies below itself is removed with all of it`() throws {
        let base = try Base()
        try base.foreign(
            "INSERT INTO components VALUES ('c', 'n', '1', 'backend', NULL, NULL, NULL, '{}', NULL, 1, NULL)")
        try base.catalog.settle()
        try base.foreign(
            """
            INSERT INTO nodes(id, parent, kind, name, modified_at) SELECT 1000, id, 1, 'x', 1 FROM nodes WHERE kind = 2;
            INSERT INTO nodes(id, parent, kind, name, modified_at) VALUES (1001, 1000, 1, 'y', 1);
            UPDATE nodes SET parent = 1001 WHERE kind = 2;
            DELETE FROM components;
            """)
        try base.catalog.settle()
        #expect(try base.integers("SELECT count(*) FROM nodes WHERE id >= 1000 OR kind = 2") == [0])
    }

    @Test func `a tree whose root lies below itself is kept and removed as any other`() throws {
        let base = try Base()
        try base.foreign("UPDATE nodes SET parent = \(FixedNode.files.rawValue) WHERE id = 0")
        let before = try base.integers("SELECT id FROM nodes ORDER BY id")
        try base.catalog.write { try $0.createSnapshot("s", folder: "f", components: []) { _, _ in nil } }
        let snapshot = try #require(try base.catalog.read { try $0.snapshots() }.first)
        try base.foreign("UPDATE nodes SET parent = \(snapshot.node + 1) WHERE id = \(snapshot.node)")
        try base.catalog.write { try $0.removeSnapshot(snapshot) }
        #expect(try base.integers("SELECT id FROM nodes ORDER BY id") == before)
        try ChecksumList(path: base.path).forEachFile { _, _ in }
    }

    @Test(arguments: [Int64.max, Int64(1 << 59) - 1])
    func `a snapshot of a tree without free numbers is refused`(last: Int64) throws {
        let base = try Base()
        try base.foreign("UPDATE sqlite_sequence SET seq = \(last) WHERE name = 'nodes'")
        let refused = kind {
            try base.catalog.write { try $0.createSnapshot("s", folder: "f", components: []) { _, _ in nil } }
        }
        #expect(refused == .damaged)
    }
}
