import GRDB
import TestSupport
import Testing
import Tree

@testable import Catalog

/// Listings that are read in pieces while entries come and go.
@Suite struct ListingTests {
    private func save(_ names: [String], in base: Base) throws {
        try base.catalog.write { writing in
            for name in names { try writing.saveDirectory(at: [bytes(name)]) }
        }
    }

    @Test(arguments: [1, 2, 7, 49, 50, 51])
    func `what is there all the time is listed once, what comes or goes at most once`(page: Int) throws {
        let base = try Base()
        try save((0..<50).map { "old-\($0)" }, in: base)
        let reader = try base.reader()
        var seen: [String] = []
        var cookie: UInt64 = 0
        var round = 0
        while true {
            var count = 0
            try reader.list(FixedNode.files.rawValue, after: cookie) { name, _, next in
                seen.append(String(decoding: name, as: UTF8.self))
                cookie = next
                count += 1
                return count < page
            }
            if count == 0 { break }
            round += 1
            // Of the first entries some are listed already, of the last ones none.
            try base.foreign(
                "DELETE FROM nodes WHERE name IN (CAST(? AS BLOB), CAST(? AS BLOB))",
                [
                    "old-\(round - 1)", "old-\(49 - round)",
                ])
            if round < 5 { try save(["new-\(round)"], in: base) }
        }
        #expect(Set(seen).count == seen.count)
        let untouched = (0..<50).filter { $0 >= round && $0 < 49 - round }.map { "old-\($0)" }
        #expect(Set(seen).isSuperset(of: untouched))
        if page == 1 { #expect(seen.contains("new-1"), "a listing that goes on finds what came behind it") }
    }

    @Test func `documents come first, and each cookie goes on behind its entry`() throws {
        let base = try Base()
        try base.foreign(
            """
            INSERT INTO applications(application_id, name, version, manifest_json, installed_at) VALUES ('p','n','1','{}',1)
            """)
        try base.catalog.settle()
        let reader = try base.reader()
        let application = try #require(
            try Snapshot.list(FixedNode.applications.rawValue, reader).first?.attributes.inode)
        guard case .node(let node)? = Inode(number: application) else {
            Issue.record("an application is a node")
            return
        }
        var entries: [(String, UInt64)] = []
        try reader.list(node, after: 0) { name, _, cookie in
            entries.append((String(decoding: name, as: UTF8.self), cookie))
            return true
        }
        #expect(entries.map(\.0) == ["manifest.json", "metadata.json", "components"])
        for (index, entry) in entries.enumerated() {
            var rest: [String] = []
            try reader.list(node, after: entry.1) { name, _, _ in
                rest.append(String(decoding: name, as: UTF8.self))
                return true
            }
            #expect(rest == entries.dropFirst(index + 1).map(\.0))
        }
        var beyond = 0
        for cookie in [UInt64.max, UInt64(Int64.max), UInt64(Int64.max) + 16] {
            try reader.list(node, after: cookie) { _, _, _ in
                beyond += 1
                return true
            }
        }
        #expect(beyond == 0)
    }
}
