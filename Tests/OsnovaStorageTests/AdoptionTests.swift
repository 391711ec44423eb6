import Catalog
import Dispatch
import Foundation
import Primitives
import Sealing
import Synchronization
import TestSupport
import Testing
import Tree

@testable import OsnovaStorage

/// Sealed files that other programs wrote, and what a mount makes of them.
@Suite struct AdoptionTests {
    @Test(arguments: [0, 1, 65_536, 200_000])
    func `a file without a row is met by its name, verified as a whole, and read`(size: Int) throws {
        let yard = try Yard()
        let content = noise(size, seed: 5)
        let id = try yard.plant(content)
        let worker = try yard.tree().makeWorker()
        #expect(try worker.content("blobs/\(id)") == content)
        let record = try #require(try yard.store.catalog.read { try $0.blob(id) })
        #expect(record.size == size)
        if size > 0 {
            #expect(record.nonce == Array(try yard.sealed(id).prefix(12)) && record.verified != nil)
            #expect(
                try yard.store.catalog.read { try $0.tags(ofBlob: record.row) }.count == (size + 65_535) / 65_536 * 16)
        }
        #expect(try Verification(store: yard.store).run().isSound)
    }

    @Test func `a large file is left to a patient worker, which verifies it for all`() throws {
        let yard = try Yard()
        let content = noise(9 << 20, seed: 12)
        let id = try yard.plant(content)
        let tree = try yard.tree()
        let worker = try tree.makeWorker()
        #expect(throws: LongRead.self) { try worker.content("blobs/\(id)") }
        #expect(try tree.makePatientWorker { false }.content("blobs/\(id)").prefix(100) == content.prefix(100))
        #expect(try worker.content("blobs/\(id)") == content)
    }

    @Test func `a verification that nobody waits for any more is left off`() throws {
        let yard = try Yard()
        let content = noise(20 << 20, seed: 13)
        let id = try yard.plant(content)
        let tree = try yard.tree()
        let questions = Atomic(0)
        let ending = try tree.makePatientWorker { questions.add(1, ordering: .relaxed).newValue == 3 }
        #expect(kind { _ = try ending.content("blobs/\(id)") } == .unavailable)
        #expect(questions.load(ordering: .relaxed) == 3)
        #expect(try tree.makePatientWorker { false }.content("blobs/\(id)").prefix(100) == content.prefix(100))
    }

    @Test func `a file under another's name, of another key or with a flipped bit is never served`() throws {
        let yard = try Yard()
        let content = noise(100_000, seed: 6)
        let swapped = try yard.plant(content, as: digest(noise(100_000, seed: 7)))
        let locked = try yard.plant(noise(100_000, seed: 8), keySeed: 2)
        let flipped = try yard.plant(noise(100_000, seed: 9))
        try yard.flip(flipped, at: 90_000)
        let worker = try yard.tree().makeWorker()
        for id in [swapped, locked, flipped] {
            #expect(kind { _ = try worker.content("blobs/\(id)") } == .damaged)
            #expect(kind { _ = try worker.content("blobs/\(id)") } == .damaged)
            #expect(try yard.store.catalog.read { try $0.blob(id) }?.nonce == nil, "it has no tags")
        }
    }

    @Test func `a damaged file that is replaced is adopted then`() throws {
        let yard = try Yard()
        let content = noise(100_000, seed: 10)
        let id = try yard.plant(content)
        try yard.flip(id)
        let worker = try yard.tree().makeWorker()
        #expect(kind { _ = try worker.content("blobs/\(id)") } == .damaged)
        try yard.plant(content)
        #expect(try worker.content("blobs/\(id)") == content)
    }

    @Test func `another sealing of the same content is adopted anew`() throws {
        let yard = try Yard()
        let content = noise(100_000, seed: 11)
        let id = try yard.put([content])[0].id
        let worker = try yard.tree().makeWorker()
        #expect(try worker.content("blobs/\(id)") == content)
        try yard.plant(content)
        #expect(try worker.content("blobs/\(id)") == content)
        #expect(try yard.store.catalog.read { try $0.blob(id) }?.nonce == Array(try yard.sealed(id).prefix(12)))
    }

    @Test func `a file that is gone is damage, for it is listed`() throws {
        let yard = try Yard()
        let id = try yard.put([noise(100_000, seed: 12)])[0].id
        try FileManager.default.removeItem(atPath: yard.sealedPath(id))
        let worker = try yard.tree().makeWorker()
        #expect(kind { _ = try worker.content("blobs/\(id)") } == .damaged)
        #expect(try worker.find("blobs/\(String(repeating: "0", count: 64))") == nil)
    }

    /// What was adopted with another length than the database had must reach the kernel before it is read.
    @Test func `readers of a forged length all get errors until the true one is told, and then the content`() throws {
        let yard = try Yard()
        let content = noise(3 << 20, seed: 13)
        let id = try yard.put([content])[0].id
        try yard.foreign("UPDATE blobs SET size = 1000, nonce = NULL")
        let tree = try yard.tree()
        while try !tree.nextChanges(waitingAtMost: 0).isEmpty {}
        let inode = try #require(try tree.makeWorker().find("blobs/\(id)")?.inode)
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            #expect(throws: OsnovaError.self) { _ = try tree.makeWorker().content("blobs/\(id)") }
        }
        let worker = try tree.makeWorker()
        #expect(throws: OsnovaError.self) { _ = try worker.content("blobs/\(id)") }
        #expect(try tree.nextChanges(waitingAtMost: 5).contains(.changed(inode: inode)))
        #expect(throws: OsnovaError.self, "the kernel is being told") { _ = try worker.content("blobs/\(id)") }
        _ = try tree.nextChanges(waitingAtMost: 0)
        #expect(try worker.content("blobs/\(id)") == content)
    }
}
