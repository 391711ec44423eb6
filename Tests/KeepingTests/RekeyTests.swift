import Catalog
import Foundation
import Keyring
import OsnovaStorage
import Primitives
import SystemPackage
import TestSupport
import Testing

/// A new key for a whole store, seen from the library.
@Suite struct RekeyTests {
    private let test: TestStore
    private let new: KeyHierarchy
    private var contents: [ContentID: Data] = [:]

    init() throws {
        test = try TestStore()
        new = try TestStore.keys(2)
        for (index, size) in [0, 1, 65_536, 65_537, 300_000, 1_200_000].enumerated() {
            let content = noise(size, seed: UInt64(index))
            contents[try test.put(content, as: "f\(index)")] = content
        }
    }

    private func expectAll(_ store: Store, _ place: String) throws {
        for (id, content) in contents {
            #expect(try test.content(id, of: store) == content, "\(place): \(id)")
        }
    }

    /// What every content is sealed under, by the cipher alone.
    private func expectAllSealed(under keys: KeyHierarchy, notUnder others: [KeyHierarchy]) throws {
        for (id, content) in contents {
            #expect(try test.plaintext(id, under: keys) == content)
            for other in others { #expect(try test.plaintext(id, under: other) == nil) }
        }
    }

    @Test func `at the end the new key opens everything and the old one nothing`() throws {
        let report = try test.rekey(new)
        #expect(report.isFinished && report.isErased && report.sealed == contents.count)
        try expectAllSealed(under: new, notUnder: [test.keys])
        #expect(kind { _ = try test.open(test.keys) } == .denied)
        let opened = try test.open(new)
        try expectAll(opened, "new key")
        #expect(try Verification(store: opened).run().isSound)
        #expect(try opened.catalog.read { try $0.keyFingerprint() } == new.fingerprint)
    }

    @Test func `the key that the store has, and a third one meanwhile, are refused`() throws {
        #expect(kind { try test.rekey(test.keys) } == .usage)
        try expectAll(test.store, "as before")
        try test.begin(new)
        #expect(kind { try test.rekey(TestStore.keys(3)) } == .usage)
        #expect(kind { _ = try test.open(TestStore.keys(3)) } == .denied)
        try test.rekey(new)
        #expect(kind { try test.rekey(new, holder: new) } == .usage)
    }

    @Test func `two rekeys at once: the second is told to wait`() throws {
        let first = try Rekey(store: test.store, holder: test.keys)
        #expect(kind { _ = try Rekey(store: test.open(test.keys), holder: test.keys) } == .busy)
        try first.begin(new)
        #expect(kind { _ = try Rekey(store: test.open(new), holder: new) } == .busy)
    }

    @Test func `while it is under way both keys read everything, and new contents get the new key`() throws {
        try test.begin(new)
        for (name, keys) in [("old", test.keys), ("new", new)] {
            let store = try test.open(keys)
            try expectAll(store, name)
            let content = noise(5000, seed: UInt64(keys.fingerprint[0]))
            let path = try test.folder.write("put-\(name)", content)
            let batch = try PutBatch(store: store)
            let id = try batch.add(.file(FilePath(path))) { _, _, _ in }
            for failure in try batch.commit() { throw failure }
            #expect(try test.plaintext(id, under: new) == content)
            #expect(try test.content(id, of: test.open(test.keys)) == content)
            #expect(try Verification(store: store).run().isSound)
        }
        // Opened before the rekey began: it learns the other key when it meets what it does not know.
        try expectAll(test.store, "opened before")
        #expect(try Verification(store: test.store).run().isSound)
    }

    @Test func `many who meet a new key at once all learn of it`() throws {
        let readers = try (0..<5).map { _ in try test.open(test.keys) }
        try test.begin(new)
        let batch = try PutBatch(store: test.open(new))
        for index in 0..<4 {
            // So long that all threads are about one when the first has come to its end.
            let path = try test.folder.write("new-\(index)", noise(2_000_000, seed: UInt64(100 + index)))
            _ = try batch.add(.file(FilePath(path))) { _, _, _ in }
        }
        #expect(try batch.commit().isEmpty)
        // Each verifies with a thread for every core, and starts without the new key.
        for reader in readers { #expect(try Verification(store: reader).run().isSound) }
    }

    @Test(arguments: [false, true]) func `a file that is newer than its row is read, and sealed once`(byOld: Bool)
        throws
    {
        try test.begin(new)
        let rows = try test.store.catalog.read { try $0.blobs(after: 0, limit: 100) }
        let rekey = try Rekey(store: test.open(test.keys), holder: test.keys)
        _ = try rekey.run()
        // As a crash between the new file's name and its row leaves it.
        for row in rows {
            let nonce = Hexadecimal.string(try #require(row.nonce))
            try test.sql("UPDATE blobs SET nonce = x'\(nonce)' WHERE id = \(row.row)")
        }
        try test.sql("DELETE FROM blob_generations")
        let reader = try test.open(byOld ? test.keys : new)
        #expect(try Verification(store: reader).run().isSound)
        let victim = try #require(contents.first)
        #expect(try test.content(victim.key, of: reader) == victim.value)
        let report = try rekey.run()
        #expect(report.isSound)
        #expect(report.wasSealed == contents.count - 1, "one was taken up by the reader")
        #expect(try rekey.finish { _ in }.isFinished)
        try expectAllSealed(under: new, notUnder: [test.keys])
        try expectAll(test.open(new), "end")
    }

    @Test func `files that are newer than their rows are taken back too, and forth again`() throws {
        func resealWithoutRows(_ target: KeyHierarchy, holder: KeyHierarchy) throws {
            let rows = try test.open(holder).catalog.read { try $0.blobs(after: 0, limit: 100) }
            let rekey = try Rekey(store: test.open(holder), holder: holder)
            try rekey.begin(target)
            _ = try rekey.run()
            try test.sql("DELETE FROM blob_generations")
            for row in rows {
                let nonce = Hexadecimal.string(try #require(row.nonce))
                try test.sql("UPDATE blobs SET nonce = x'\(nonce)' WHERE id = \(row.row)")
                if row.generation != 0 {
                    try test.sql("INSERT INTO blob_generations VALUES (\(row.row), \(row.generation))")
                }
            }
        }
        try resealWithoutRows(new, holder: test.keys)
        try test.rekey(test.keys)
        try expectAllSealed(under: test.keys, notUnder: [new])
        try expectAll(test.open(test.keys), "taken back")
        do {
            let half = try Rekey(store: test.open(test.keys), holder: test.keys)
            try half.begin(new)
            _ = try half.run()
        }
        try resealWithoutRows(test.keys, holder: test.keys)
        try expectAllSealed(under: test.keys, notUnder: [new])
        try test.rekey(new)
        try expectAllSealed(under: new, notUnder: [test.keys])
        try expectAll(test.open(new), "forth")
    }

    @Test func `contents without a row, or not verified yet, are sealed anew as well`() throws {
        try test.sql("DELETE FROM nodes WHERE blob IS NOT NULL; DELETE FROM blobs WHERE id % 2 = 0")
        try test.sql("UPDATE blobs SET nonce = NULL; DELETE FROM blob_tags")
        #expect(try test.rekey(new).sealed == contents.count)
        try expectAllSealed(under: new, notUnder: [test.keys])
        try expectAll(test.open(new), "end")
    }

    /// This program gives no such numbers: whoever writes one must not hide a content behind it.
    @Test(arguments: [0, -1, Int64.min + 1])
    func `contents of rows before the first are verified, sealed anew and collected`(row: Int64) throws {
        let test = try TestStore()
        let id = try test.put(noise(1000, seed: 1))
        try test.sql("UPDATE blob_tags SET position = \(row &<< 16); UPDATE blobs SET id = \(row)")
        #expect(try Verification(store: test.store).run().checked == 1)
        let new = try TestStore.keys(2)
        #expect(try test.rekey(new).isFinished)
        let store = try test.open(new)
        #expect(try test.content(id, of: store) == noise(1000, seed: 1))
        let bytes = try Data(contentsOf: URL(fileURLWithPath: test.file(id)))
        try (bytes.dropLast() + [bytes[bytes.count - 1] ^ 1]).write(to: URL(fileURLWithPath: test.file(id)))
        #expect(try Verification(store: store).run().damaged.map(\.sha256) == [id.hex])
        #expect(try GarbageCollection(store: store).run(grace: 0).removed.map(\.id) == [id])
    }

    @Test func `a damaged content is named, the rest goes on, and the old key stays until it is repaired`() throws {
        let backup = test.folder.path("backup")
        _ = try Backup(store: test.store, to: backup).run()
        let victims = Array(contents.keys.prefix(2))
        var bytes = try Data(contentsOf: URL(fileURLWithPath: test.file(victims[0])))
        bytes[bytes.count - 1] ^= 1
        try bytes.write(to: URL(fileURLWithPath: test.file(victims[0])))
        try FileManager.default.removeItem(atPath: test.file(victims[1]))
        for _ in 0..<2 {
            let report = try test.rekey(new)
            #expect(!report.isFinished && report.damaged.map(\.sha256) == [victims[0].hex])
            #expect(report.missing == [victims[1].hex])
        }
        for (id, content) in contents where !victims.contains(id) {
            #expect(try test.plaintext(id, under: new) == content)
        }
        let store = try test.open(test.keys)
        let verification = Verification(store: store)
        let report = try verification.run()
        #expect(Set(report.damaged.map(\.sha256) + report.missing) == Set(victims.map(\.hex)))
        let repaired = try Repair(store: store, from: RepairSource(path: backup)).run(verification, report)
        #expect(repaired.isSound)
        #expect(try test.rekey(new).isFinished)
        try expectAllSealed(under: new, notUnder: [test.keys])
    }

    @Test func `a row whose hash is no text is missing, and no content that somebody keeps putting`() throws {
        try test.sql(
            "INSERT INTO blobs(sha256, size, created_at) VALUES (cast('\(String(repeating: "cd", count: 32))' AS BLOB), 5, 0)"
        )
        let report = try test.rekey(new)
        #expect(!report.isFinished && report.missing == [String(repeating: "cd", count: 32)])
    }

    @Test func `a damaged content that nothing refers to any more goes with gc, and the rekey ends`() throws {
        let victim = try test.put(noise(9000, seed: 99))
        try Data("short".utf8).write(to: URL(fileURLWithPath: test.file(victim)))
        #expect(try !test.rekey(new).isFinished)
        let removed = try GarbageCollection(store: test.open(new)).run(grace: 0).removed
        #expect(removed.map(\.id) == [victim])
        #expect(try test.rekey(new, holder: new).isFinished)
        try expectAll(test.open(new), "end")
    }

    @Test func `what is taken back is sealed under the old key again, and the new one opens nothing`() throws {
        do {
            let half = try Rekey(store: test.open(test.keys), holder: test.keys)
            try half.begin(new)
            _ = try half.run()
        }
        try expectAllSealed(under: new, notUnder: [test.keys])
        #expect(try test.rekey(test.keys).isFinished)
        try expectAllSealed(under: test.keys, notUnder: [new])
        #expect(kind { _ = try test.open(new) } == .denied)
        try expectAll(test.open(test.keys), "taken back")
        // The next one has a number that no key had.
        let third = try TestStore.keys(3)
        try test.rekey(third)
        #expect(try test.open(third).catalog.read { try $0.keyGenerations().current } == 2)
        try expectAll(test.open(third), "third")
        // This store was opened before all that, and has seen neither key.
        #expect(kind { try expectAll(test.store, "missed") } == .denied)
    }

    @Test func `one that was opened long ago and missed it all is refused, never told that contents are damaged`()
        throws
    {
        try test.rekey(new)
        for id in contents.keys { #expect(kind { _ = try test.content(id) } == .denied) }
        #expect(kind { _ = try Verification(store: test.store).run() } == .denied)
        #expect(kind { try test.put(noise(10, seed: 50)) } == .denied)
        try expectAll(test.open(new), "untouched")
    }

    @Test func `one that saw it begin goes on after its end`() throws {
        try test.begin(new)
        let witness = try test.open(test.keys)
        try test.rekey(new)
        try expectAll(witness, "after the end")
        let id = try test.put(noise(10, seed: 50), in: witness)
        #expect(try test.plaintext(id, under: new) == noise(10, seed: 50))
        try test.rekey(TestStore.keys(3), holder: new)
        #expect(kind { try expectAll(witness, "missed the second") } == .denied)
    }

    @Test func `what was sealed under the old key before the end is not taken after it`() throws {
        let path = try test.folder.write("late", noise(3_000_000, seed: 60))
        let late = try PutBatch(store: test.store)
        try test.rekey(new)
        #expect(
            kind {
                try late.add(.file(FilePath(path))) { _, _, _ in }
                for failure in try late.commit() { throw failure }
            } == .busy)
        #expect(try Verification(store: test.open(new)).run().isSound)
        #expect(try FileManager.default.contentsOfDirectory(atPath: test.root.blobs).count == contents.count)
    }

    @Test func `nothing of the keys that go is left on the disk`() throws {
        try test.begin(new)
        let members = try test.store.catalog.read { try $0.keyGenerations().rekey }
        #expect(members.count == 2)
        for member in members { #expect(try test.holds(member.otherKey)) }
        // Taken back and turned again: each time both are sealed anew.
        try test.begin(test.keys)
        try test.begin(new)
        let turned = try test.store.catalog.read { try $0.keyGenerations().rekey }
        try test.rekey(new)
        for member in members + turned {
            #expect(try !test.holds(member.otherKey))
            #expect(try !test.holds(Array(member.otherKey.dropFirst(12))))
        }
    }

    @Test func `a copy that a migration kept meanwhile goes, one from before stays`() throws {
        let before = test.root.database + ".before-v6"
        try FileManager.default.copyItem(atPath: test.root.database, toPath: before)
        try test.begin(new)
        let meanwhile = test.root.database + ".before-v9"
        try test.store.catalog.copy(to: meanwhile)
        let damaged = test.root.database + ".before-v8"
        try Data(repeating: 7, count: 5000).write(to: URL(fileURLWithPath: damaged))
        let report = try test.rekey(new)
        #expect(report.removedCopies == [meanwhile] && report.unreadableCopies == [damaged])
        #expect(FileManager.default.fileExists(atPath: before))
        #expect(!FileManager.default.fileExists(atPath: meanwhile))
        // As one that was killed right after its end leaves it: the next rekey removes it, and so does gc or a mount.
        let clean: [(Store) throws -> Void] = [
            { _ = try Rekey(store: $0, holder: new) }, { _ = try GarbageCollection(store: $0).run(grace: 0) },
        ]
        for clean in clean {
            try test.begin(TestStore.keys(3), holder: new)
            try test.open(new).catalog.copy(to: meanwhile)
            try test.sql("DELETE FROM rekey")
            try clean(test.open(new))
            #expect(!FileManager.default.fileExists(atPath: meanwhile))
        }
    }

    @Test func `a snapshot waits for the end`() throws {
        try test.begin(new)
        #expect(kind { _ = try Snapshots(store: test.store).create("s") } == .busy)
        try test.rekey(new)
        _ = try Snapshots(store: test.open(new)).create("s")
    }

    @Test func `forged rows of a rekey open nothing`() throws {
        try test.begin(new)
        try test.sql("UPDATE rekey SET is_target = 1 - is_target")
        #expect(kind { _ = try test.open(test.keys) } == .damaged)
        try test.sql("UPDATE rekey SET is_target = 1 - is_target")
        try test.sql("UPDATE rekey SET other_key = (SELECT other_key FROM rekey AS r WHERE r.generation = 0)")
        #expect(kind { _ = try test.open(new) } == .damaged)
    }
}

extension TestStore {
    /// Puts a content by another open store.
    func put(_ content: Data, in store: Store) throws -> ContentID {
        let path = try folder.write("source-\(UUID().uuidString)", content)
        let batch = try PutBatch(store: store)
        let id = try batch.add(.file(FilePath(path))) { _, _, _ in }
        for failure in try batch.commit() { throw failure }
        return id
    }
}
