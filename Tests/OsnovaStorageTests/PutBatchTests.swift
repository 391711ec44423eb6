import Catalog
import Dispatch
import Foundation
import Primitives
import SystemPackage
import Synchronization
import TestSupport
import Testing

@testable import OsnovaStorage

@Suite struct PutBatchTests {
    @Test(arguments: [0, 1, 65_535, 65_536, 65_537, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20])
    func `a content of any size is read back, and put again costs nothing`(size: Int) throws {
        let yard = try Yard()
        let content = noise(size, seed: UInt64(size))
        let first = try #require(try yard.put([content]).first)
        #expect(first.id == (try digest(content)) && first.size == size && first.storedSize == size + 28)
        #expect(!first.alreadyStored)
        #expect(try yard.content(first.id) == content)
        let sealed = try yard.sealed(first.id)
        let again = try #require(try yard.put([content]).first)
        #expect(again.alreadyStored && again.id == first.id)
        #expect(try yard.sealed(first.id) == sealed, "known content is not written")
        #expect(try yard.sealedNames().count == 1)
    }

    @Test func `the same content twice in a batch is stored once`() throws {
        let yard = try Yard()
        let results = try yard.put([noise(5000, seed: 1), noise(5000, seed: 2), noise(5000, seed: 1)])
        #expect(results.map(\.alreadyStored) == [false, false, true])
        #expect(try yard.sealedNames().count == 2)
        #expect(try yard.content(results[2].id) == noise(5000, seed: 1))
    }

    @Test func `two batches that seal the same content at the same time agree on one file`() throws {
        let yard = try Yard()
        let content = noise(70_000, seed: 3)
        let (one, other) = (try PutBatch(store: yard.store), try PutBatch(store: yard.store))
        let results = Results()
        for batch in [one, other] { try batch.add(.file(yard.file("f", content)), recording: results.add) }
        for batch in [one, other] { #expect(try batch.commit() == []) }
        #expect(results.all.map(\.alreadyStored) == [false, true])
        #expect(try yard.content(digest(content)) == content)
        #expect(try yard.sealedNames().count == 1)
        #expect(try Verification(store: yard.store).run().isSound)
    }

    @Test func `content that is twice in a batch is recorded, though a later one named it first`() throws {
        let yard = try Yard()
        let content = noise(70_000, seed: 4)
        let (one, other) = (try PutBatch(store: yard.store), try PutBatch(store: yard.store))
        let results = Results()
        for batch in [one, one, other] { try batch.add(.file(yard.file("f", content)), recording: results.add) }
        let failures = Mutex<[String]>([])
        let late = try other.commit {
            do {
                let early = try one.commit().map(\.message)
                failures.withLock { $0 += early }
            } catch { failures.withLock { $0.append("\(error)") } }
        }
        #expect(late == [] && failures.withLock { $0 } == [])
        #expect(results.all.count == 3)
        #expect(try yard.content(digest(content)) == content)
        #expect(try Verification(store: yard.store).run().isSound)
    }

    @Test func `many writers of the same files leave a sound store`() throws {
        let yard = try Yard()
        let paths = try (0..<20).map { try yard.file("f\($0)", noise(3000 + $0 % 3, seed: UInt64($0 % 7))) }
        let failures = Mutex<[String]>([])
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            do {
                let batch = try PutBatch(store: yard.store)
                for path in paths { try batch.add(.file(path)) { _, _, _ in } }
                let refused = try batch.commit()
                failures.withLock { $0 += refused.map(\.message) }
            } catch { failures.withLock { $0.append("\(error)") } }
        }
        #expect(failures.withLock { $0 } == [])
        let report = try Verification(store: yard.store).run()
        #expect(report.isSound && report.untracked == [] && report.checked == report.ok)
    }

    @Test(arguments: [0, 12, 5000, 5027], [5000, 2 << 20])
    func `a file that was damaged is healed`(offset: Int, size: Int) throws {
        let yard = try Yard()
        let content = noise(size, seed: 9)
        let id = try yard.put([content])[0].id
        try yard.flip(id, at: offset)
        #expect(throws: OsnovaError.self) { try yard.content(id) }
        let healed = try yard.put([content])[0]
        #expect(!healed.alreadyStored)
        #expect(try yard.content(id) == content)
        #expect(try Verification(store: yard.store).run().isSound)
    }

    @Test func `what is missing, cut or no file at all is stored anew`() throws {
        let yard = try Yard()
        let content = noise(5000, seed: 10)
        let id = try yard.put([content])[0].id
        let path = yard.sealedPath(id)
        for damage in ["rm", "truncate -s 100", "truncate -s 0", "truncate -s 6000"] {
            let process = try Process.run(URL(fileURLWithPath: "/bin/sh"), arguments: ["-c", "\(damage) '\(path)'"])
            process.waitUntilExit()
            #expect(try !yard.put([content])[0].alreadyStored, "\(damage)")
            #expect(try yard.content(id) == content, "\(damage)")
        }
        try yard.foreign("DELETE FROM blob_tags")
        #expect(try yard.put([content])[0].alreadyStored, "the file is sound, its tags are made anew")
        #expect(try yard.content(id) == content)
    }

    @Test func `a batch that is dropped leaves no trace`() throws {
        let yard = try Yard()
        do {
            let batch = try PutBatch(store: yard.store)
            try batch.add(.file(yard.file("f", noise(5000, seed: 1)))) { _, _, _ in }
            // On some disks it has a temporary name meanwhile.
            #expect(try yard.sealedNames().allSatisfy { $0.hasPrefix(".incoming-") })
        }
        #expect(try yard.sealedNames() == [])
        #expect(try yard.store.statistics().blobCount == 0)
    }

    @Test func `a recording that fails is told, its content and the others are stored`() throws {
        let yard = try Yard()
        let batch = try PutBatch(store: yard.store)
        try batch.add(.file(yard.file("a", Data("a".utf8)))) { writing, row, _ in
            try writing.saveFile(at: [Array("half".utf8)], blob: row)
            throw OsnovaError(.cannotCreate, "no")
        }
        try batch.add(.file(yard.file("b", Data("b".utf8)))) { writing, row, _ in
            try writing.saveFile(at: [Array("b".utf8)], blob: row)
        }
        #expect(try batch.commit().map(\.kind) == [.cannotCreate])
        #expect(try yard.content(digest(Data("a".utf8))) == Data("a".utf8))
        let worker = try yard.tree().makeWorker()
        #expect(try worker.find("files/half") == nil)
        #expect(try worker.content("files/b") == Data("b".utf8))
    }

    @Test func `a batch without keys is refused`() throws {
        let yard = try Yard()
        let locked = try Store.open(at: yard.store.root, keys: nil)
        #expect(kind { _ = try PutBatch(store: locked) } == .denied)
    }
}
