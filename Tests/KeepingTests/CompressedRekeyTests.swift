import Catalog
import Foundation
import Keyring
import OsnovaStorage
import Primitives
import SystemPackage
import TestSupport
import Testing

/// A new key for a store of which some contents are compressed.
@Suite struct CompressedRekeyTests {
    private let test: TestStore
    private let new: KeyHierarchy
    private var contents: [ContentID: Data] = [:]

    init() throws {
        test = try TestStore()
        new = try TestStore.keys(2)
        for (index, size) in [0, 4096, 200_000, 5_000_000].enumerated() {
            let text = prose(size, seed: UInt64(index))
            contents[try test.put(text, as: "text-\(size)", compressing: true)] = text
        }
        let zeros = Data(count: 3_000_000)
        let id = try test.put(zeros, as: "zeros", compressing: true)
        contents[id] = zeros
        // A content that is itself a compressed stream, of a content that is stored as well.
        let stream = try #require(try test.plaintext(id, under: test.keys))
        contents[try test.put(stream, as: "stream", compressing: false)] = stream
        for (index, content) in [noise(300_000, seed: 9), prose(100_000, seed: 9)].enumerated() {
            contents[try test.put(content, as: "plain-\(index)", compressing: false)] = content
        }
    }

    private func extents() throws -> [ContentID: BlobExtent] {
        let records = try test.store.catalog.read { try $0.blobs(after: 0, limit: 100) }
        return Dictionary(uniqueKeysWithValues: records.map { ($0.id, $0.extent) })
    }

    private func expectAll(_ store: Store, _ place: String) throws {
        for (id, content) in contents {
            #expect(try test.content(id, of: store) == content, "\(place): \(content.count)")
        }
    }

    private func forgetRows() throws {
        try test.sql("DELETE FROM nodes WHERE blob IS NOT NULL; DELETE FROM blobs; DELETE FROM blob_tags")
    }

    @Test func `what is compressed stays so: the same stream under the new key, beside what is plain`() throws {
        let before = try extents()
        #expect(before.values.filter { $0.encoding == .zstd }.count == 4)
        let streams = try contents.keys.map { ($0, try test.plaintext($0, under: test.keys)) }
        let report = try test.rekey(new)
        #expect(report.isFinished && report.sealed == contents.count)
        for (id, stream) in streams {
            #expect(try stream != nil && test.plaintext(id, under: new) == stream)
            #expect(try test.plaintext(id, under: test.keys) == nil)
        }
        #expect(try extents() == before)
        let opened = try test.open(new)
        try expectAll(opened, "end")
        let verified = try Verification(store: opened).run()
        #expect(verified.isSound && verified.ok == contents.count)
    }

    @Test func `rows that are lost before, on the way and after the end come back from the files`() throws {
        let before = try extents()
        func expectAdopted(by keys: KeyHierarchy, _ place: String) throws {
            try forgetRows()
            try expectAll(test.open(keys), place)
            #expect(try extents() == before, "\(place)")
        }
        let rekey = try Rekey(store: test.open(test.keys), holder: test.keys)
        try rekey.begin(new)
        // All are under the old key, then none.
        for (name, keys) in [("old", test.keys), ("new", new)] { try expectAdopted(by: keys, "begun, by the \(name)") }
        try forgetRows()
        #expect(try rekey.run().sealed == contents.count)
        for (name, keys) in [("old", test.keys), ("new", new)] { try expectAdopted(by: keys, "sealed, by the \(name)") }
        try forgetRows()
        #expect(try rekey.run().wasSealed == contents.count)
        #expect(try rekey.finish { _ in }.isFinished)
        try expectAdopted(by: new, "finished")
        #expect(try Verification(store: test.open(new)).run().isSound)
    }

    @Test func `a compressed file that is newer than its row is read by either key, and sealed once`() throws {
        let before = try test.store.catalog.read { try $0.blobs(after: 0, limit: 100) }
        let rekey = try Rekey(store: test.open(test.keys), holder: test.keys)
        try rekey.begin(new)
        _ = try rekey.run()
        for row in before {
            let nonce = Hexadecimal.string(try #require(row.nonce))
            try test.sql("UPDATE blobs SET nonce = x'\(nonce)' WHERE id = \(row.row)")
        }
        try test.sql("DELETE FROM blob_generations")
        for keys in [test.keys, new] { #expect(try Verification(store: test.open(keys)).run().isSound) }
        let report = try rekey.run()
        #expect(report.isSound && report.wasSealed == contents.count)
        #expect(try rekey.finish { _ in }.isFinished)
        try expectAll(test.open(new), "end")
    }

    @Test func `a row that tells the wrong encoding does not mislead it`() throws {
        let before = try extents()
        try test.sql("UPDATE blobs SET size = sealed_size, encoding = 0, sealed_size = NULL WHERE encoding = 1")
        #expect(try test.rekey(new).isFinished)
        #expect(try extents() == before)
        try expectAll(test.open(new), "end")
    }

    @Test func `a stream that is sealed soundly and holds something else is named, and the old key stays`() throws {
        let victims = contents.filter { $0.value.count == 200_000 || $0.value.count == 4096 }.map(\.key)
        // Each is now the other's: every tag is right, no name is.
        let (first, second) = (test.file(victims[0]), test.file(victims[1]))
        try FileManager.default.moveItem(atPath: first, toPath: first + ".aside")
        try FileManager.default.moveItem(atPath: second, toPath: first)
        try FileManager.default.moveItem(atPath: first + ".aside", toPath: second)
        let report = try test.rekey(new)
        #expect(!report.isFinished && Set(report.damaged.map(\.sha256)) == Set(victims.map(\.hex)))
        _ = try test.open(test.keys)
        let strays = try FileManager.default.contentsOfDirectory(atPath: test.root.blobs).filter { $0.hasPrefix(".") }
        #expect(strays.isEmpty)
    }

    /// Its samples promise what it does not hold, so it is read back and sealed as it is: by the key that sealed it.
    @Test func `a put that began before a rekey and learns of it seals on under one key`() throws {
        var content = noise(8 << 20, seed: 11)
        for part in 0..<8 { content.replaceSubrange(part << 20..<part << 20 + 32_768, with: Data(count: 32_768)) }
        let batch = try PutBatch(store: test.store, compressing: true)
        try test.begin(new)
        let other = noise(5000, seed: 12)
        let known = try test.put(other, in: test.open(new))
        #expect(try test.content(known) == other, "the other key is known from now on")
        let id = try batch.add(.file(FilePath(test.folder.write("promising", content)))) { _, _, _ in }
        #expect(try batch.commit().isEmpty)
        #expect(try extents()[id] == BlobExtent(plain: Int64(content.count)))
        #expect(try test.content(id) == content)
        #expect(try test.rekey(new).isFinished)
        #expect(try test.content(id, of: test.open(new)) == content)
    }
}
