import Catalog
import Foundation
import Primitives
import TestSupport
import Testing
import Tree

@testable import OsnovaStorage

@Suite struct PaceTests {
    private static let second: UInt64 = 1_000_000_000

    @Test func `so many bytes take a second, in whatever pieces they come`() {
        for piece in [1000, 100_000, 1_000_000] {
            var pace = Pace(bytesPerSecond: 1_000_000)
            var now: UInt64 = 50
            for _ in 0..<3_000_000 / piece { now += pace.pause(afterReading: piece, now: now) }
            // The last pieces may be owed.
            #expect((2 * Self.second...3 * Self.second + 50).contains(now), "pieces of \(piece): \(now)")
        }
    }

    @Test func `a pause earns nothing`() {
        var pace = Pace(bytesPerSecond: 1000)
        _ = pace.pause(afterReading: 1000, now: 0)
        #expect(pace.pause(afterReading: 1000, now: 500 * Self.second) == Self.second)
    }

    @Test(arguments: [0, -5, 1, Int64.max]) func `no pace stops it for good or overflows`(bytesPerSecond: Int64) {
        var pace = Pace(bytesPerSecond: bytesPerSecond)
        for bytes in [0, -1, 1 << 20, Int.max] {
            #expect(pace.pause(afterReading: bytes, now: 1) <= 240 * Self.second)
        }
    }
}

@Suite struct MountActivityTests {
    private static let second: UInt64 = 1_000_000_000

    @Test func `a mount is busy while it answers many requests a second`() {
        var activity = MountActivity(requests: 1000, now: Self.second)
        #expect(!activity.isBusy && !activity.isDue(now: Self.second + 1000))
        #expect(activity.isDue(now: 2 * Self.second))
        activity.look(requests: 1000 + MountActivity.threshold, now: 2 * Self.second)
        #expect(!activity.isBusy)
        activity.look(requests: 1001 + 2 * MountActivity.threshold, now: 3 * Self.second)
        #expect(activity.isBusy)
        activity.look(requests: 1001 + 2 * MountActivity.threshold, now: 4 * Self.second)
        #expect(!activity.isBusy)
    }
}

@Suite struct ReadMarksTests {
    private func taken(_ marks: ReadMarks) -> [Int] {
        var places: [Int] = []
        marks.take { places.append($0) }
        return places
    }

    @Test func `what was read is told once`() {
        let marks = ReadMarks()
        #expect(taken(marks).isEmpty)
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for row in 0..<1000 as Range<Int64> { marks.mark(row * 8 + Int64(thread)) }
        }
        #expect(taken(marks) == Array(0..<8000))
        #expect(taken(marks).isEmpty && !marks.takeCopy())
        marks.markCopy()
        #expect(marks.takeCopy() && !marks.takeCopy())
        // No row of a foreign database leads out of the memory.
        for row in [Int64.min, -1, Int64.max, 1 << 20] {
            marks.mark(row)
            #expect(taken(marks) == [ReadMarks.place(of: row)])
        }
    }

    @Test func `a walk is what reads more than half of many contents`() {
        #expect(!CacheUses.isWalk(read: 3, of: 3), "three of three may be three that somebody needs")
        #expect(CacheUses.isWalk(read: 16, of: 16) && CacheUses.isWalk(read: 600, of: 1000))
        #expect(!CacheUses.isWalk(read: 500, of: 1000) && !CacheUses.isWalk(read: 0, of: 0))
    }
}

@Suite struct UpkeepLockTests {
    @Test func `of two mounts one verifies`() throws {
        let yard = try Yard()
        let first = try UpkeepLock.take(yard.store.root)
        #expect(first != nil)
        #expect(try UpkeepLock.take(yard.store.root) == nil)
        withExtendedLifetime(first) {}
    }
}

@Suite struct ScrubNotesTests {
    private func notes(_ yard: Yard) throws -> ScrubNotes {
        try ScrubNotes(store: yard.store, log: StoreLog.logger(for: yard.store.root, label: "test"))
    }

    private func record(_ id: ContentID, _ yard: Yard) throws -> BlobRecord {
        try #require(try yard.store.catalog.read { try $0.blob(id) })
    }

    @Test func `a book that is made anew is read by whoever had the old one open`() throws {
        let yard = try Yard()
        let id = try yard.put([Data("content".utf8)])[0].id
        let row = try #require(try yard.store.catalog.read { try $0.blob(id) }).row
        let worker = try yard.tree().makeWorker()
        let path = yard.store.root.upkeep
        func verified() throws -> String? {
            try worker.extendedAttributes(of: .blob(row)).first { $0.name == "user.osnova.verified_at" }
                .map { String(decoding: $0.value, as: UTF8.self) }
        }
        for time in [Clock.seconds + 100, Clock.seconds + 200] {
            for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
            try UpkeepBook(path: path).record([.init(blob: row, id: id, time: time)])
            #expect(try verified() == "\(time)")
        }
    }

    @Test func `what is found after a book was made anew is noted in the new one`() throws {
        let yard = try Yard()
        let id = try yard.put([Data("content".utf8)])[0].id
        let notes = try notes(yard)
        let path = yard.store.root.upkeep
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
        _ = try UpkeepBook(path: path)
        try notes.note(record(id, yard), "bad")
        #expect(try yard.store.knownDamage().map(\.sha256) == [id.hex])
    }

    @Test func `statistics follow a book that was made anew`() throws {
        let yard = try Yard()
        let id = try yard.put([Data("content".utf8)])[0].id
        let path = yard.store.root.upkeep
        try notes(yard).note(record(id, yard), "bad")
        let worker = try yard.tree().makeWorker()
        #expect(try String(decoding: worker.content(".osnovafs/stats.json"), as: UTF8.self).contains(id.hex))
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
        usleep(600_000)
        #expect(try !String(decoding: worker.content(".osnovafs/stats.json"), as: UTF8.self).contains(id.hex))
    }

    @Test func `the oldest come first, those of the future as if nobody had looked`() throws {
        let yard = try Yard()
        let ids = try yard.put((0..<6).map { noise(100, seed: UInt64($0)) }).map(\.id)
        let times = ["300", "NULL", "100", "200", "\(Clock.seconds + 100_000)", "\(Clock.seconds)"]
        for (id, time) in zip(ids, times) {
            try yard.foreign("UPDATE blobs SET verified_at = \(time) WHERE sha256 = '\(id)'")
        }
        let notes = try notes(yard)
        let due = try notes.due(before: 1000, atMost: 100)
        #expect(Set(due.prefix(2)) == [ids[1], ids[4]] && Array(due.dropFirst(2)) == [ids[2], ids[3], ids[0]])
        #expect(try notes.due(before: 1000, atMost: 3).last == ids[2])
        try notes.note(record(ids[2], yard), nil)
        try notes.write()
        #expect(try notes.due(before: 1000, atMost: 100) == Array(due.prefix(2)) + [ids[3], ids[0]])
        // A book whose time is of the future does not hide the time that the row has.
        let book = try UpkeepBook(path: yard.store.root.upkeep)
        try book.record([.init(blob: record(ids[3], yard).row, id: ids[3], time: Clock.seconds + 100_000)])
        #expect(try notes.due(before: 1000, atMost: 100).contains(ids[3]))
    }

    /// 512 bytes in the middle of a page that only a search meets, the head of the file, a table that is missing.
    @Test(arguments: ["page", "head", "table"]) func `a damaged book is begun anew and keeps nobody from a store`(
        _ how: String
    ) throws {
        let yard = try Yard()
        let ids = try yard.put((0..<2).map { noise(100, seed: UInt64($0)) }).map(\.id)
        let path = yard.store.root.upkeep
        do {
            let book = try UpkeepBook(path: path)
            try book.record((1...2000).map { .init(blob: $0, id: ids[0], time: 1000) })
        }
        if how == "table" {
            try Yard.sqlite(path, "DROP TABLE checks")
        } else {
            let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
            try file.seek(toOffset: how == "head" ? 0 : 4096 * 5)
            try file.write(contentsOf: Data(repeating: 0xFF, count: 512))
            try file.close()
        }
        _ = try yard.store.statistics()
        func note() throws { try notes(yard).note(record(ids[1], yard), "bad") }
        do {
            try note()
        } catch let error as OsnovaError where error.kind == .damaged {
            // Met in the middle of the work, which is then begun again.
            #expect(how == "page" && error.message.contains("upkeep.db"))
            #expect(try UpkeepBook.remakeIfDamaged(path: path))
            try note()
        }
        #expect(try yard.store.knownDamage().map(\.sha256) == [ids[1].hex])
        #expect(try !UpkeepBook.remakeIfDamaged(path: path), "a sound one stays")
        #expect(try yard.store.statistics().verification?.damaged.count == 1)
    }

    @Test func `damage is known until somebody verifies or mends it, or the blob is gone`() throws {
        let yard = try Yard()
        let ids = try yard.put((0..<4).map { noise(100, seed: UInt64($0)) }).map(\.id)
        let notes = try notes(yard)
        for id in ids { try notes.note(record(id, yard), "bad") }
        #expect(try yard.store.knownDamage().map(\.sha256) == ids.map(\.hex))
        #expect(try notes.due(before: 10, atMost: 10) == [])
        try yard.flip(ids[0])
        try yard.foreign(
            """
            UPDATE blobs SET verified_at = verified_at + 1 WHERE sha256 = '\(ids[1])';
            DELETE FROM blobs WHERE sha256 = '\(ids[2])';
            """)
        #expect(try yard.store.knownDamage().map(\.sha256) == [ids[0].hex, ids[3].hex])
        #expect(try notes.due(before: 10, atMost: 10) == [ids[0]], "its file is another: it is looked at soon")
        try notes.forgetMended()
        #expect(try UpkeepBook(path: yard.store.root.upkeep).damagedBlobs().map(\.id) == [ids[0], ids[3]])
        for id in [ids[0], ids[3]] { try notes.note(record(id, yard), nil) }
        #expect(try yard.store.knownDamage() == [])
    }

    @Test func `a book that is none is begun anew`() throws {
        let yard = try Yard()
        let id = try yard.put([noise(100, seed: 1)])[0].id
        try notes(yard).note(record(id, yard), "bad")
        try yard.folder.write("root/upkeep.db", noise(8192, seed: 5))
        #expect(try yard.store.knownDamage() == [])
        try notes(yard).note(record(id, yard), "bad")
        #expect(try yard.store.statistics().verification?.damaged.count == 1)
    }

    @Test func `a book of another database says nothing`() throws {
        let yard = try Yard()
        let id = try yard.put([noise(100, seed: 1)])[0].id
        let row = try record(id, yard).row
        let book = try UpkeepBook(path: yard.store.root.upkeep)
        try book.record([.init(blob: row, id: digest(Data()), time: Clock.seconds)])
        try yard.foreign("UPDATE blobs SET verified_at = 5")
        #expect(try book.check(ofBlob: row, id) == nil)
        let notes = try notes(yard)
        #expect(try notes.due(before: 10, atMost: 10) == [id])
        try notes.forgetMended()
        #expect(try book.check(ofBlob: row, digest(Data())) == nil)
    }
}
