import GRDB
import Primitives
import TestSupport
import Testing
import Tree

@testable import Catalog

@Suite struct ChangeFeedTests {
    private func insert(_ count: Int, from first: Int = 0) -> String {
        """
        INSERT INTO components WITH RECURSIVE n(i) AS (SELECT \(first) UNION ALL SELECT i + 1 FROM n WHERE i < \(first + count - 1))
        SELECT 'c' || i, 'n', '1', 'backend', NULL, NULL, NULL, '{}', NULL, 1, NULL FROM n
        """
    }

    /// Asks as a mount does, until there is no news.
    private func follow(_ feed: ChangeFeed, _ catalog: Catalog) throws -> [TreeChange] {
        var found: [TreeChange] = []
        for _ in 0..<100 {
            guard try feed.hasNews() else { return found }
            if try feed.hasDirtyRows() { try catalog.settle() }
            found += try feed.next()
        }
        Issue.record("there is always news")
        return found
    }

    private func added(_ changes: [TreeChange]) -> Set<String> {
        Set(
            changes.compactMap {
                guard case .added(let directory, let name) = $0, directory == FixedNode.components.inode.number else {
                    return nil
                }
                return String(decoding: name, as: UTF8.self)
            })
    }

    @Test func `what was there before is no news, what comes is told once`() throws {
        let base = try Base()
        try base.foreign(insert(3))
        try base.catalog.settle()
        let feed = try ChangeFeed(path: base.path)
        #expect(try follow(feed, base.catalog) == [])
        try base.foreign(insert(2, from: 10))
        #expect(try added(follow(feed, base.catalog)) == ["c10", "c11"])
        #expect(try follow(feed, base.catalog) == [])
    }

    @Test func `more changes than one call tells are all told, without another write`() throws {
        let base = try Base()
        let feed = try ChangeFeed(path: base.path)
        #expect(try follow(feed, base.catalog) == [])
        try base.foreign(insert(4000))
        let changes = try follow(feed, base.catalog)
        #expect(changes.count >= 12_000)
        #expect(added(changes).count == 4000)
    }

    @Test func `what could not be settled at once is news until it is`() throws {
        let base = try Base()
        let feed = try ChangeFeed(path: base.path)
        #expect(try follow(feed, base.catalog) == [])
        try base.foreign(insert(1))
        #expect(try feed.hasNews())
        // Here settling fails, say because another program holds the lock for too long.
        #expect(try feed.hasNews())
        #expect(try added(follow(feed, base.catalog)) == ["c0"])
    }

    @Test func `changes that could not be read to their end are told from their beginning`() throws {
        let base = try Base()
        let feed = try ChangeFeed(path: base.path)
        try base.foreign(insert(3))
        try base.catalog.settle()
        try base.foreign(
            """
            ALTER TABLE node_changes RENAME TO kept;
            CREATE VIEW node_changes AS SELECT sequence, operation, directory, inode,
                CASE WHEN sequence < 4 THEN name ELSE abs(-9223372036854775807 - 1) END AS name FROM kept
            """)
        #expect(kind { _ = try feed.next() } == .inputOutput)
        try base.foreign("DROP VIEW node_changes; ALTER TABLE kept RENAME TO node_changes")
        #expect(try added(follow(feed, base.catalog)) == ["c0", "c1", "c2"])
    }

    @Test(arguments: ["sequence <= 5", "sequence = 3", "1"])
    func `changes that were cut from the log become everything`(cut: String) throws {
        let base = try Base()
        let feed = try ChangeFeed(path: base.path)
        try base.foreign(insert(3))
        try base.catalog.settle()
        try base.foreign("DELETE FROM node_changes WHERE " + cut)
        #expect(try follow(feed, base.catalog) == [.everything])
        try base.foreign(insert(1, from: 10))
        #expect(try added(follow(feed, base.catalog)) == ["c10"], "afterwards it goes on")
    }

    @Test func `the log is bounded, and who is too far behind is told everything`() throws {
        let base = try Base()
        let feed = try ChangeFeed(path: base.path)
        try base.foreign(insert(1))
        try base.catalog.settle()
        try base.foreign("UPDATE sqlite_sequence SET seq = seq + 70000 WHERE name = 'node_changes'")
        try base.foreign(insert(1, from: 1))
        try base.catalog.settle()
        #expect(try base.integers("SELECT count(*) FROM node_changes WHERE sequence < 1000") == [0])
        #expect(try follow(feed, base.catalog) == [.everything])
    }
}
