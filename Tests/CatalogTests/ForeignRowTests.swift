import Foundation
import GRDB
import Primitives
import TestSupport
import Testing
import Tree

@testable import Catalog

/// Rows that a careless or hostile program wrote, in the tree.
@Suite struct ForeignRowTests {
    private func insert(_ base: Base, component id: String, manifest: String = "{}") throws {
        try base.foreign(
            "INSERT INTO components VALUES (?, 'n', '1', 'backend', NULL, NULL, NULL, ?, NULL, 1, NULL)",
            [id, manifest])
    }

    @Test func `ids whose names could be mistaken for each other are both shown`() throws {
        let base = try Base()
        let long = String(repeating: "x", count: 300)
        let imitation = String(decoding: try FileName.encode(long), as: UTF8.self)
        for id in [long, imitation, "a/b", "a%2Fb", "", "%", ".", "%2E"] { try insert(base, component: id) }
        try base.catalog.settle()
        #expect(try base.snapshot().entries("components").count == 8)
        try base.reopen()
        #expect(try base.snapshot().entries("components").count == 8)
    }

    @Test(arguments: [
        (#"{"components": [{"id": "x"}, {"id": "y"}, {"id": "x"}]}"#, ["x", "y"]),
        (#"{"components": ["{", "abc", null, 1.5, true, [], {}, {"id": null}, {"id": 5}, {"id": "x"}]}"#, ["x"]),
        (#"{"components": [{"id": ".."}, {"id": ""}, {"id": "a/b"}, {"id": "é"}]}"#, ["%2E%2E", "%", "a%2Fb", "é"]),
        (#"{"components": "abc"}"#, []), (#"{"components": "{"}"#, []), (#"{"components": 5}"#, []),
        (#"{"components": null}"#, []), ("{}", []), ("[]", []), ("[1,", []), ("", []), ("null", []), ("\"x\"", []),
        (#"[{"components": [{"id": "x"}]}]"#, []),
    ])
    func `an application links what its manifest lists, whatever else is in it`(manifest: String, links: [String])
        throws
    {
        let base = try Base()
        try base.foreign(
            "INSERT INTO applications(application_id, name, version, manifest_json, installed_at) VALUES ('p','n','1',?,1)",
            [manifest])
        try base.catalog.settle()
        let snapshot = try base.snapshot()
        #expect(Set(snapshot.entries("apps/p/components").keys) == Set(links))
        #expect(snapshot.text("apps/p/manifest.json") == manifest)
        for link in links {
            #expect(snapshot["apps/p/components/\(link)"]?.target == bytes("../../../components/\(link)"))
        }
    }

    @Test func `a file that comes after the row that names it brings the row's links`() throws {
        let base = try Base()
        let content = try id("content")
        try insert(base, component: "c")
        try base.foreign(
            "INSERT INTO autonomi_cache VALUES ('local:c@1', ?1, ?1, 1, 't', 1, 1, 1)", [content.hex])
        try base.catalog.settle()
        try base.catalog.retryWaitingRows()
        try base.catalog.settle()
        #expect(try base.snapshot()["cache/local:c@1"] == nil)
        #expect(try base.catalog.read { try $0.danglingReferences() } == [content.hex])
        base.files.add(content, size: 7)
        try base.catalog.retryWaitingRows()
        try base.catalog.settle()
        let snapshot = try base.snapshot()
        let inode = try #require(snapshot.inode("blobs/\(content)"))
        #expect(snapshot.inode("cache/local:c@1") == inode && snapshot.inode("components/c/artifact") == inode)
        #expect(snapshot["cache/local:c@1"]?.attributes.links == 3)
    }

    @Test func `a note whose key or kind is a text with a NUL is looked at once`() throws {
        let base = try Base()
        try base.foreign(
            """
            INSERT INTO components SELECT 'a' || char(0) || 'b', 'n', '1', 'backend', NULL, NULL, NULL, '{}', NULL, 1, NULL;
            DELETE FROM dirty_rows;
            INSERT INTO dirty_rows VALUES (1, 'a' || char(0) || 'b'), (2, x'00'), ('x' || char(0) || 'y', 'z'), (9, '');
            """)
        // Settles once, where 'settle' goes on until nothing is noted.
        try base.catalog.write { _ in }
        #expect(try base.integers("SELECT count(*) FROM dirty_rows") == [0])
        #expect(try base.snapshot().entries("components").count == 1)
    }

    @Test func `a step that fails undoes itself alone, a transaction that fails all of it`() throws {
        let base = try Base()
        let rows = try base.catalog.write { writing in
            try writing.saveDirectory(at: [bytes("d")])
            let failed = kind {
                try writing.attempt {
                    try writing.saveDirectory(at: [bytes("half")])
                    throw OsnovaError(.busy, "no")
                }
            }
            #expect(failed == .busy)
            return 1
        }
        #expect(rows == 1)
        let before = try base.snapshot()
        #expect(before.entries("files").keys.sorted() == ["d"])
        let failed = kind {
            try base.catalog.write { writing in
                try writing.saveDirectory(at: [bytes("e")])
                throw OsnovaError(.busy, "no")
            }
        }
        #expect(failed == .busy)
        #expect(try base.snapshot().nodes == before.nodes)
    }

    @Test func `rows that name no content end no listing of those that do`() throws {
        let base = try Base()
        try base.foreign(
            """
            PRAGMA ignore_check_constraints = 1;
            WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 9)
            INSERT INTO blobs(id, sha256, size, created_at) SELECT n, 'no hash ' || n, 1, 1 FROM numbers
            """)
        let hash = String(repeating: "a", count: 64)
        try base.foreign("INSERT INTO blobs(id, sha256, size, created_at) VALUES (10, ?, 1, 1)", [hash])
        let listed = try base.catalog.read { reading in
            try [
                reading.blobs(after: 0, limit: 4), reading.unverifiedBlobs(after: 0, limit: 4),
                reading.unreferencedBlobs(after: 0, limit: 4),
            ]
        }
        for records in listed { #expect(records.map(\.id.hex) == [hash]) }
        #expect(try base.catalog.read { try $0.blobs(after: 10, limit: 4) }.isEmpty)
    }
}
