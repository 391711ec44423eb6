import Catalog
import Foundation
import Keyring
import Primitives
import TestSupport
import Testing
import Tree

@testable import OsnovaStorage

/// A driver's threads while the store gets another key.
@Suite struct RekeyDriveTests {
    private let yard: Yard
    private let old: KeyHierarchy
    private let new: KeyHierarchy
    private var contents: [ContentID: Data] = [:]

    init() throws {
        yard = try Yard()
        old = try Yard.keys()
        new = try Yard.keys(seed: 2)
        for (index, size) in [0, 5, 70_000, 5_000_000].enumerated() {
            let content = noise(size, seed: UInt64(100 + index))
            let id = try #require(try yard.put([content]).first?.id)
            contents[id] = content
        }
        for (index, size) in [90_000, 3_000_000].enumerated() {
            let content = prose(size, seed: UInt64(200 + index))
            let stored = try #require(try yard.put([content], compressing: true).first)
            #expect(stored.storedSize < stored.size)
            contents[stored.id] = content
        }
    }

    private func open(_ keys: KeyHierarchy) throws -> Store { try Store.open(at: yard.store.root, keys: keys) }

    private func expectAll(_ worker: any FileTreeWorker, _ place: String) throws {
        for (id, content) in contents {
            #expect(try worker.content("blobs/\(id)") == content, "\(place): \(id)")
        }
    }

    @Test func `a thread reads on through the whole of it, and one that comes later too`() throws {
        let tree = try yard.tree()
        let worker = try tree.makeWorker()
        try expectAll(worker, "before")
        do {
            let rekey = try Rekey(store: open(old), holder: old)
            try rekey.begin(new)
            try expectAll(worker, "begun")
            _ = try rekey.run()
            try expectAll(worker, "sealed anew")
            try expectAll(tree.makeWorker(), "another thread")
            #expect(try rekey.finish { _ in }.isFinished)
            try expectAll(worker, "finished")
            try expectAll(tree.makeWorker(), "another thread after the end")
        }
        let next = try Rekey(store: open(new), holder: new)
        try next.begin(old)
        _ = try tree.nextChanges(waitingAtMost: 0)
        _ = try next.run()
        #expect(try next.finish { _ in }.isFinished)
        try expectAll(worker, "back again")
    }

    @Test func `threads that read all the time see no other byte and no error`() throws {
        let tree = try yard.tree()
        let isOver = Flag()
        let failures = Failures()
        let readers = (0..<3).map { _ in
            Thread {
                do {
                    let worker = try tree.makeWorker()
                    while !isOver.isSet {
                        for (id, content) in contents where try worker.content("blobs/\(id)") != content {
                            failures.add("wrong bytes of \(id)")
                        }
                    }
                } catch {
                    failures.add("\(error)")
                }
            }
        }
        for reader in readers { reader.start() }
        var keys = [old, new]
        for seed in 3..<9 {
            let rekey = try Rekey(store: open(keys[0]), holder: keys[0])
            try rekey.begin(keys[1])
            _ = try tree.nextChanges(waitingAtMost: 0)
            _ = try rekey.run()
            #expect(try rekey.finish { _ in }.isFinished)
            keys = [keys[1], try Yard.keys(seed: UInt64(seed))]
        }
        isOver.set()
        while readers.contains(where: { !$0.isFinished }) { usleep(1000) }
        #expect(failures.all == [])
    }

    @Test func `a tree that has missed it refuses to read, and says why`() throws {
        let tree = try yard.tree()
        let worker = try tree.makeWorker()
        let rekey = try Rekey(store: open(old), holder: old)
        try rekey.begin(new)
        _ = try rekey.run()
        #expect(try rekey.finish { _ in }.isFinished)
        for id in contents.keys where contents[id]?.isEmpty == false {
            let inode = try #require(try worker.find("blobs/\(id)").flatMap { Inode(number: $0.inode) })
            #expect(kind { _ = try worker.read(inode, at: 0, count: 10) } == .denied)
        }
        _ = try tree.nextChanges(waitingAtMost: 0)
        let log = try String(contentsOfFile: yard.store.root.log, encoding: .utf8)
        #expect(log.contains("mount or open it anew"))
    }

    @Test(arguments: [70_000, 90_000]) func `a blob that was removed meanwhile is read on`(size: Int) throws {
        let tree = try yard.tree()
        let worker = try tree.makeWorker()
        let rekey = try Rekey(store: open(old), holder: old)
        try rekey.begin(new)
        let (id, content) = try #require(contents.first { $0.value.count == size })
        let inode = try #require(try worker.find("blobs/\(id)").flatMap { Inode(number: $0.inode) })
        _ = try rekey.run()
        try yard.foreign("DELETE FROM blobs WHERE sha256 = '\(id)'")
        _ = try tree.nextChanges(waitingAtMost: 0)
        try FileManager.default.removeItem(atPath: yard.sealedPath(id))
        #expect(try worker.attributes(of: inode)?.size == Int64(size))
        #expect(try Data(worker.read(inode, at: 0, count: 100_000)) == content)
    }

    @Test(arguments: [false, true])
    func `a file whose row is lost is met with its length and adopted, whichever key it has`(byNew: Bool) throws {
        func records() throws -> [ContentID: BlobExtent] {
            let found = try yard.store.catalog.read { try $0.blobs(after: 0, limit: 100) }
            return Dictionary(uniqueKeysWithValues: found.map { ($0.id, $0.extent) })
        }
        let before = try records()
        let rekey = try Rekey(store: open(old), holder: old)
        try rekey.begin(new)
        let store = try open(byNew ? new : old)
        let tree = try StoreTree(store: store, log: StoreLog.logger(for: store.root, label: "test"))
        let worker = try tree.makeWorker()
        func expectMet(_ place: String) throws {
            try yard.foreign("DELETE FROM blobs; DELETE FROM blob_tags")
            while try !tree.nextChanges(waitingAtMost: 0).isEmpty {}
            for (id, content) in contents {
                #expect(try worker.find("blobs/\(id)")?.size == Int64(content.count), "\(place): at first sight")
            }
            try expectAll(worker, place)
            #expect(try records() == before, "\(place)")
        }
        try expectMet("under the old key")
        _ = try rekey.run()
        try expectMet("under the new key")
        _ = try rekey.run()
        #expect(try rekey.finish { _ in }.isFinished)
        try expectMet("finished")
    }
}

/// Set once, by whichever thread.
private final class Flag: @unchecked Sendable {
    private let lock = NSLock()
    private var value = false

    var isSet: Bool { lock.withLock { value } }
    func set() { lock.withLock { value = true } }
}

private final class Failures: @unchecked Sendable {
    private let lock = NSLock()
    private var found: [String] = []

    var all: [String] { lock.withLock { found } }
    func add(_ failure: String) { lock.withLock { found.append(failure) } }
}
