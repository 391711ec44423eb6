import Catalog
import Foundation
import Primitives
import TestSupport
import Testing
import Tree

@testable import OsnovaStorage

@Suite struct StoreTreeTests {
    private func components(_ changes: [TreeChange]) -> Int {
        changes.count {
            if case .added(let directory, _) = $0 { directory == FixedNode.components.inode.number } else { false }
        }
    }

    @Test func `a burst of another program's rows is told to its end, without a further write`() throws {
        let yard = try Yard()
        let tree = try yard.tree()
        while try !tree.nextChanges(waitingAtMost: 0).isEmpty {}
        try yard.foreign(
            """
            INSERT INTO components WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
            SELECT 'c' || i, 'n', '1', 'backend', NULL, NULL, NULL, '{}', NULL, 1, NULL FROM n
            """)
        var told = 0
        while true {
            let changes = try tree.nextChanges(waitingAtMost: 0)
            if changes.isEmpty { break }
            told += components(changes)
        }
        #expect(told == 3000)
    }

    @Test func `a change between the tree's birth and the first question is told`() throws {
        let yard = try Yard()
        let tree = try yard.tree()
        try yard.foreign("INSERT INTO components VALUES ('c','n','1','backend',NULL,NULL,NULL,'{}',NULL,1,NULL)")
        #expect(components(try tree.nextChanges(waitingAtMost: 1)) == 1)
        #expect(try tree.nextChanges(waitingAtMost: 0) == [])
    }

    /// A tree where a component's directory came and cannot be told, for want of readable nodes.
    private func treeWithoutNodes(in yard: Yard) throws -> StoreTree {
        let tree = try yard.tree()
        while try !tree.nextChanges(waitingAtMost: 0).isEmpty {}
        try yard.foreign("ALTER TABLE nodes RENAME TO kept; CREATE TABLE nodes (id)")
        let folder = URL(fileURLWithPath: yard.store.root.components).appendingPathComponent("c/v1.0")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        #expect(kind { _ = try tree.nextChanges(waitingAtMost: 0) } != nil)
        return tree
    }

    @Test func `a component's directory that came while its row could not be read is told`() throws {
        let yard = try Yard()
        let tree = try treeWithoutNodes(in: yard)
        try yard.foreign("DROP TABLE nodes; ALTER TABLE kept RENAME TO nodes")
        #expect(eventually { try components(tree.nextChanges(waitingAtMost: 0)) == 1 })
    }

    @Test func `what lies beside the catalog is told while rows cannot be given their nodes`() throws {
        let yard = try Yard()
        let tree = try yard.tree()
        while try !tree.nextChanges(waitingAtMost: 0).isEmpty {}
        try yard.foreign(
            """
            ALTER TABLE node_changes RENAME TO kept;
            INSERT INTO components VALUES ('c','n','1','backend',NULL,NULL,NULL,'{}',NULL,1,NULL)
            """)
        #expect(kind { _ = try tree.nextChanges(waitingAtMost: 0) } == .inputOutput)
        let folder = URL(fileURLWithPath: yard.store.root.components).appendingPathComponent("d/v1.0")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        #expect(try components(tree.nextChanges(waitingAtMost: 1)) == 1)
        #expect(kind { _ = try tree.nextChanges(waitingAtMost: 0) } == .inputOutput)
        try yard.foreign("ALTER TABLE kept RENAME TO node_changes")
        #expect(try components(tree.nextChanges(waitingAtMost: 1)) == 1)
    }

    @Test func `what the catalog has is told though what lies beside it cannot be`() throws {
        let yard = try Yard()
        let tree = try treeWithoutNodes(in: yard)
        try yard.foreign("INSERT INTO node_changes(operation, directory, name, inode) VALUES (2, 3, x'61', 162)")
        #expect(try tree.nextChanges(waitingAtMost: 0).count == 1)
    }

    @Test func `a program that writes for long keeps its rows waiting, and nothing else`() throws {
        let yard = try Yard()
        let tree = try yard.tree()
        while try !tree.nextChanges(waitingAtMost: 0).isEmpty {}
        let row = "INSERT INTO components VALUES ('c','n','1','backend',NULL,NULL,NULL,'{}',NULL,1,NULL)"
        let writer = try LockingWriter(yard.store.root.database, after: row)
        let began = Clock.monotonic
        #expect(try tree.nextChanges(waitingAtMost: 0) == [])
        let folder = URL(fileURLWithPath: yard.store.root.components).appendingPathComponent("d/v1.0")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        #expect(try components(tree.nextChanges(waitingAtMost: 1)) == 1)
        #expect(Clock.monotonic - began < 5_000_000_000, "a writer waits for ten seconds")
        try writer.end()
        #expect(try components(tree.nextChanges(waitingAtMost: 1)) == 1)
    }

    @Test func `what has its node is told while a program writes for long`() throws {
        let yard = try Yard()
        let tree = try yard.tree()
        while try !tree.nextChanges(waitingAtMost: 0).isEmpty {}
        let row = "INSERT INTO components VALUES ('%','n','1','backend',NULL,NULL,NULL,'{}',NULL,1,NULL)"
        try yard.foreign(row.replacing("%", with: "c"))
        #expect(try yard.store.catalog.settle())
        let writer = try LockingWriter(yard.store.root.database, after: row.replacing("%", with: "d"))
        #expect(try components(tree.nextChanges(waitingAtMost: 1)) == 1)
        #expect(try tree.nextChanges(waitingAtMost: 0) == [])
        try writer.end()
        #expect(try components(tree.nextChanges(waitingAtMost: 1)) == 1)
        #expect(try tree.nextChanges(waitingAtMost: 0) == [])
    }

    @Test func `extended attributes too are an error while the database is not in its place`() throws {
        let yard = try Yard()
        let id = try yard.put([Data("content".utf8)])[0].id
        let tree = try yard.tree()
        let worker = try tree.makeWorker()
        let inode = try #require(try worker.find("blobs/\(id)").flatMap { Inode(number: $0.inode) })
        #expect(try worker.extendedAttributes(of: inode).count == 3)
        try FileManager.default.moveItem(atPath: yard.store.root.database, toPath: yard.folder.path("away"))
        while try tree.nextChanges(waitingAtMost: 0) != DatabaseWatch.everyRootEntry {}
        #expect(kind { _ = try worker.extendedAttributes(of: inode) } == .inputOutput)
    }

    @Test func `a file that comes after its row is told`() throws {
        let yard = try Yard()
        let content = Data("late".utf8)
        try yard.foreign("INSERT INTO autonomi_cache VALUES ('a', 'h', '\(digest(content))', 4, 't', 1, 1, 1)")
        let tree = try yard.tree()
        while try !tree.nextChanges(waitingAtMost: 0).isEmpty {}
        try yard.plant(content)
        let changes = try tree.nextChanges(waitingAtMost: 5)
        #expect(changes.contains(.added(directory: FixedNode.cache.inode.number, name: [97])))
        #expect(try tree.makeWorker().content("cache/a") == content)
    }

    @Test func `reads of every offset and length agree with the content`() throws {
        let yard = try Yard()
        let content = noise(300_000, seed: 1)
        let id = try yard.put([content])[0].id
        let worker = try yard.tree().makeWorker()
        let inode = try #require(try worker.find("blobs/\(id)").flatMap { Inode(number: $0.inode) })
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let offset = Int.random(in: 0...310_000, using: &generator)
            let count = Int.random(in: 0...150_000, using: &generator)
            let expected = content.dropFirst(offset).prefix(count)
            #expect(try Data(worker.read(inode, at: Int64(offset), count: count)) == Data(expected), "seed \(seed)")
        }
        #expect(try worker.read(inode, at: Int64.max, count: 1).isEmpty)
        #expect(kind { _ = try worker.read(FixedNode.root.inode, at: 0, count: 1) } == .usage)
        #expect(kind { _ = try worker.read(.blob(999), at: 0, count: 1) } == .notFound)
    }
}
