import Blobs
import Dispatch
import Foundation
import Primitives
import Sealing
import Synchronization
import TestSupport
import Testing
import Tree

@testable import OsnovaStorage

/// Blobs whose row is gone while a program has them open.
@Suite struct RemovedBlobsTests {
    @Test func `what was read before looks as it did, but for its names`() throws {
        let yard = try Yard()
        let content = Data("#!/bin/sh\necho here\n".utf8)
        let id = try yard.put([content])[0].id
        let tree = try yard.tree()
        while try !tree.nextChanges(waitingAtMost: 0).isEmpty {}
        let worker = try tree.makeWorker()
        let before = try #require(try worker.find("blobs/\(id)"))
        #expect(try worker.content("blobs/\(id)") == content)
        try yard.foreign("DELETE FROM blobs")
        #expect(try !tree.nextChanges(waitingAtMost: 5).isEmpty)
        let inode = try #require(Inode(number: before.inode))
        let after = try #require(try worker.attributes(of: inode))
        #expect(after.kind == .program && after.size == content.count && after.links == 0)
        #expect(before.modified > 0 && after.modified == before.modified && after.changed == before.changed)
        #expect(try Data(worker.read(inode, at: 0, count: 100)) == content)
    }

    @Test func `a large one is left to a patient worker, which verifies it for all`() throws {
        let yard = try Yard()
        let content = noise(9 << 20, seed: 1)
        let id = try yard.put([content])[0].id
        let tree = try yard.tree()
        while try !tree.nextChanges(waitingAtMost: 0).isEmpty {}
        let (worker, patient) = (try tree.makeWorker(), try tree.makePatientWorker { false })
        let inode = try #require(try worker.find("blobs/\(id)").flatMap { Inode(number: $0.inode) })
        try yard.foreign("DELETE FROM blobs")
        #expect(try !tree.nextChanges(waitingAtMost: 5).isEmpty)
        #expect(throws: LongRead.self) { try worker.read(inode, at: 0, count: 10) }
        let ending = try tree.makePatientWorker { true }
        #expect(kind { _ = try ending.read(inode, at: 0, count: 10) } == .unavailable)
        #expect(try Data(patient.read(inode, at: 0, count: 10)) == content.prefix(10))
        #expect(try Data(worker.read(inode, at: 0, count: 10)) == content.prefix(10))
    }

    @Test func `after more changes than the log keeps, no removed file is kept from its disk`() throws {
        let yard = try Yard()
        let id = try yard.put([Data("gone".utf8)])[0].id
        let tree = try yard.tree()
        while try !tree.nextChanges(waitingAtMost: 0).isEmpty {}
        let worker = try tree.makeWorker()
        #expect(try worker.content("blobs/\(id)") == Data("gone".utf8))
        let row = try #require(try yard.store.catalog.read { try $0.blob(id) }).row
        #expect(tree.openBlobs.find(row) != nil)
        try yard.foreign("DELETE FROM blobs; DELETE FROM node_changes")
        #expect(try !tree.nextChanges(waitingAtMost: 5).isEmpty)
        #expect(tree.openBlobs.find(row) == nil)
    }

    /// Each is a descriptor until the kernel was told: of 1,024, a mount with 16 threads may have 512 open without them.
    @Test func `of many that go at once, a few are held at a time`() throws {
        let yard = try Yard()
        try yard.put((0..<600).map { Data("\($0)".utf8) })
        let tree = try yard.tree()
        while try !tree.nextChanges(waitingAtMost: 0).isEmpty {}
        try yard.foreign("DELETE FROM blobs")
        var told: [Int] = []
        while case let count = try tree.nextChanges(waitingAtMost: 0).count, count > 0 { told.append(count) }
        #expect(told.reduce(0, +) >= 600 && told.allSatisfy { $0 <= 256 })
    }

    @Test func `what was not read has the age of its file`() throws {
        let yard = try Yard()
        let id = try yard.put([Data("content".utf8)])[0].id
        let tree = try yard.tree()
        while try !tree.nextChanges(waitingAtMost: 0).isEmpty {}
        let worker = try tree.makeWorker()
        let inode = try #require(try worker.find("blobs/\(id)").flatMap { Inode(number: $0.inode) })
        try yard.foreign("DELETE FROM blobs")
        #expect(try !tree.nextChanges(waitingAtMost: 5).isEmpty)
        let age = try SystemCalls.status(at: nil, yard.sealedPath(id)).modified
        #expect(try worker.attributes(of: inode)?.modified == age)
    }

    @Test func `a file is verified once, by whichever thread comes first, also where it is damaged`() throws {
        let yard = try Yard()
        let id = try yard.plant(Data("content".utf8))
        let store = yard.store
        let held = RemovedBlobs.Held(id: id, row: 1, file: try store.blobs.open(id), probe: store.probe)
        let calls = Atomic(0)
        let failures = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            let found = Result {
                try held.verified { _, _ in
                    calls.add(1, ordering: .relaxed)
                    throw OsnovaError.damaged("flipped")
                }
            }
            if case .failure = found { failures.add(1, ordering: .relaxed) }
        }
        #expect(failures.load(ordering: .relaxed) == 4 && calls.load(ordering: .relaxed) == 1)
    }

    @Test func `a disk that failed once says nothing of a file`() throws {
        let yard = try Yard()
        let id = try yard.plant(Data("content".utf8))
        let store = yard.store
        let held = RemovedBlobs.Held(id: id, row: 1, file: try store.blobs.open(id), probe: store.probe)
        #expect(kind { _ = try held.verified { _, _ in throw OsnovaError(.inputOutput, "the disk") } } == .inputOutput)
        #expect(try held.verified { try StoreAudit(store: store).verify(file: $0, id: $1) }.blob.id == id)
    }
}
