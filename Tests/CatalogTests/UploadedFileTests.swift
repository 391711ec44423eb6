import Primitives
import TestSupport
import Testing
import Tree

@testable import Catalog

@Suite struct UploadedFileTests {
    private func record(_ text: String, in writing: Writing) throws -> Int64 {
        try writing.record(
            VerifiedBlob(
                id: id(text), extent: BlobExtent(plain: Int64(text.utf8.count)),
                nonce: [UInt8](repeating: 1, count: 12),
                tags: [], mediaType: .unknown))
    }

    private func path(_ text: String) -> [[UInt8]] { text.split(separator: "/").map { Array($0.utf8) } }

    @Test(arguments: ["a\0b", ".", "..", "a/b", "", String(repeating: "x", count: 256)])
    func `a name that nobody could see is refused`(name: String) throws {
        let base = try Base()
        let before = try base.snapshot()
        for path in [[bytes(name)], [bytes("d"), bytes(name)], [bytes(name), bytes("f")]] {
            let refused = kind {
                try base.catalog.write { try $0.saveFile(at: path, blob: record("x", in: $0)) }
            }
            #expect(refused == .usage)
            #expect(kind { try base.catalog.write { try $0.saveDirectory(at: path) } } == .usage)
            #expect(kind { try base.catalog.write { try $0.saveSymbolicLink(at: path, target: [1]) } } == .usage)
        }
        #expect(try base.snapshot().nodes == before.nodes)
    }

    @Test(arguments: [[], [0], Array("a\0b".utf8), [UInt8](repeating: 0x78, count: 4096)])
    func `a link that nobody could read is refused`(target: [UInt8]) throws {
        let base = try Base()
        let before = try base.snapshot()
        #expect(kind { try base.catalog.write { try $0.saveSymbolicLink(at: path("l"), target: target) } } == .usage)
        #expect(try base.snapshot().nodes == before.nodes)
        try base.catalog.write { try $0.saveSymbolicLink(at: path("l"), target: [UInt8](repeating: 0x78, count: 4095)) }
    }

    @Test func `names are bytes: what differs in normalisation are two files`() throws {
        let base = try Base()
        try base.catalog.write { writing in
            let blob = try record("x", in: writing)
            for name in ["e\u{301}", "\u{E9}"] { try writing.saveFile(at: [bytes(name)], blob: blob) }
            try writing.saveFile(at: [[0xFF]], blob: blob)
        }
        #expect(
            try Snapshot.list(FixedNode.files.rawValue, base.reader()).map(\.name)
                == [bytes("e\u{301}"), bytes("\u{E9}"), [0xFF]])
    }

    @Test func `what stands in the way is kept`() throws {
        let base = try Base()
        try base.catalog.write { writing in
            try writing.saveFile(at: path("d/f"), blob: record("x", in: writing))
        }
        let before = try base.snapshot()
        for target in ["d", "d/f/g", "d/f/g/h"] {
            let refused = kind {
                try base.catalog.write { try $0.saveFile(at: path(target), blob: record("x", in: $0)) }
            }
            #expect(refused == .cannotCreate, "\(target)")
        }
        #expect(kind { try base.catalog.write { try $0.saveDirectory(at: path("d/f")) } } == .cannotCreate)
        #expect(
            kind { try base.catalog.write { try $0.saveSymbolicLink(at: path("d"), target: [1]) } } == .cannotCreate)
        #expect(try base.snapshot().nodes == before.nodes)
    }

    @Test func `to put the same tree again changes nothing of it`() throws {
        let base = try Base()
        func put() throws {
            try base.catalog.write { writing in
                try writing.saveDirectory(at: path("d/empty"))
                try writing.saveFile(at: path("d/f"), blob: record("x", in: writing))
                try writing.saveSymbolicLink(at: path("d/l"), target: bytes("../elsewhere"))
            }
        }
        try put()
        let before = try base.snapshot()
        try put()
        #expect(try base.snapshot().nodes == before.nodes)
        try base.catalog.write { try $0.saveSymbolicLink(at: path("d/l"), target: bytes("elsewhere")) }
        #expect(try base.snapshot()["files/d/l"]?.target == bytes("elsewhere"))
        #expect(try base.snapshot()["files/d"] != before["files/d"])
    }

    // A transaction remembers what it has done: no such memory may outlive what is undone or changed again.

    @Test func `a directory that a transaction removed is made anew by what follows`() throws {
        let base = try Base()
        try base.catalog.write { writing in
            let blob = try record("x", in: writing)
            try writing.saveFile(at: path("d/old"), blob: blob)
            #expect(try writing.removeFile(at: path("d"), recursive: true))
            try writing.saveFile(at: path("d/new"), blob: blob)
        }
        #expect(try base.snapshot().entries("files/d").keys.sorted() == ["new"])
    }

    @Test func `a directory that a transaction moved takes nothing under its old name`() throws {
        let base = try Base()
        try base.catalog.write { writing in
            let blob = try record("x", in: writing)
            try writing.saveFile(at: path("d/one"), blob: blob)
            try writing.renameFile(at: path("d"), to: path("e"))
            try writing.saveFile(at: path("d/two"), blob: blob)
        }
        let after = try base.snapshot()
        #expect(after.entries("files/d").keys.sorted() == ["two"] && after.entries("files/e").keys.sorted() == ["one"])
    }

    @Test func `a directory of a step that failed is no place for what follows`() throws {
        let base = try Base()
        try base.catalog.write { writing in
            let blob = try record("x", in: writing)
            try? writing.attempt {
                try writing.saveFile(at: path("d/half"), blob: blob)
                throw OsnovaError(.busy, "no")
            }
            try writing.saveFile(at: path("d/whole"), blob: blob)
        }
        #expect(try base.snapshot().entries("files/d").keys.sorted() == ["whole"])
        #expect(try base.integers("SELECT links FROM blobs") == [1])
    }

    @Test func `a directory's time moves with each transaction, also with one whose first step failed`() throws {
        let base = try Base()
        func modified() throws -> Int64? { try base.snapshot()["files/d"]?.attributes.modified }
        try base.catalog.write { try $0.saveFile(at: path("d/0"), blob: record("x", in: $0)) }
        for index in 1...3 {
            let before = try #require(try modified())
            try base.catalog.write { writing in
                let blob = try record("x", in: writing)
                try? writing.attempt {
                    try writing.saveFile(at: path("d/half"), blob: blob)
                    throw OsnovaError(.busy, "no")
                }
                try writing.saveFile(at: path("d/\(index)"), blob: blob)
                try writing.saveFile(at: path("d/\(index)a"), blob: blob)
            }
            #expect(try #require(try modified()) > before)
        }
    }

    @Test func `of a blob that was known its new link is told, of a new one its names alone`() throws {
        let base = try Base()
        func told(_ paths: [String], _ text: String) throws -> [Int64] {
            try base.foreign("DELETE FROM node_changes")
            try base.catalog.write { writing in
                let blob = try record(text, in: writing)
                for each in paths { try writing.saveFile(at: path(each), blob: blob) }
            }
            return try base.integers("SELECT operation FROM node_changes ORDER BY sequence")
        }
        let (added, attributes) = (ChangeOperation.added.rawValue, ChangeOperation.attributes.rawValue)
        #expect(try told(["a", "b"], "x") == [added, added, added])
        #expect(try told(["c"], "x") == [added, attributes])
    }
}
