import Foundation
import Primitives
import Synchronization
import TestSupport
import Testing
import Tree

@testable import OsnovaStorage

/// Blobs that are fetched before a program that reads in order asks for them.
@Suite struct PrefetchTests {
    /// A store of blobs in rows that follow each other, and a tree over it.
    private struct Shelf {
        let yard: Yard
        let tree: StoreTree
        let worker: any FileTreeWorker
        let contents: [Data]
        let ids: [ContentID]
        let inodes: [Inode]

        init(_ contents: [Data], compressing: Bool? = nil) throws {
            self.contents = contents
            yard = try Yard()
            ids = try yard.put(contents, compressing: compressing).map(\.id)
            tree = try yard.tree()
            while try !tree.nextChanges(waitingAtMost: 0).isEmpty {}
            let worker = try tree.makeWorker()
            self.worker = worker
            inodes = try ids.map { id in
                try #require(try worker.find("blobs/\(id)").flatMap { Inode(number: $0.inode) })
            }
        }

        func row(_ index: Int) -> Int64 {
            if case .blob(let row) = inodes[index] { row } else { 0 }
        }

        func read(_ index: Int, at offset: Int64 = 0, count: Int = 128 << 10) throws -> Data {
            try Data(worker.read(inodes[index], at: offset, count: count))
        }

        /// As what a read fails.
        func failure(_ index: Int) -> OsnovaError.Kind? {
            kind { _ = try worker.read(inodes[index], at: 0, count: 1) }
        }

        /// Whether a blob's beginning is there, without being read.
        func isFetched(_ index: Int) -> Bool {
            guard let found = tree.prefetch.lend(row(index), at: 0, count: 1) else { return false }
            tree.prefetch.giveBack(found.slot)
            return true
        }

        /// Reads the first blobs, and waits until the one behind the next is fetched.
        func readInOrder(_ count: Int) throws {
            for index in 0..<count { #expect(try read(index) == contents[index].prefix(128 << 10)) }
            worker.settle()
            try #require(eventually { isFetched(count + 1) })
        }
    }

    @Test(arguments: [false, true]) func `all of a tree is read as it is, be it fetched or not`(_ compresses: Bool)
        throws
    {
        let sizes = [
            1, 70_000, 0, 262_144, 5, 300_000, 4096, 65_536, 65_537, 100, 131_072, 9, 262_145, 40, 2, 80_000, 7,
        ]
        let shelf = try Shelf(
            sizes.enumerated().map { compresses ? prose($1, seed: UInt64($0)) : noise($1, seed: UInt64($0)) },
            compressing: compresses)
        for _ in 0..<3 {
            for (index, content) in shelf.contents.enumerated() {
                var read = Data()
                while read.count < content.count { read += try shelf.read(index, at: Int64(read.count), count: 50_000) }
                shelf.worker.settle()
                #expect(read == content)
            }
        }
    }

    @Test func `what was fetched has its bytes from any place on`() throws {
        let shelf = try Shelf((0..<12).map { noise(200_000, seed: $0) })
        try shelf.readInOrder(4)
        let found = try #require(shelf.tree.prefetch.lend(shelf.row(5), at: 1000, count: 500_000))
        #expect(Data(found.bytes) == shelf.contents[5].dropFirst(1000))
        shelf.tree.prefetch.giveBack(found.slot)
    }

    @Test func `a file that is damaged after it was fetched is read as a damaged one`() throws {
        let shelf = try Shelf((0..<12).map { noise(3000, seed: $0) })
        try shelf.readInOrder(4)
        try shelf.yard.flip(shelf.ids[5])
        #expect(shelf.failure(5) == .damaged)
    }

    @Test func `a damaged one among those to be fetched fails for its reader alone`() throws {
        let shelf = try Shelf((0..<12).map { noise(3000, seed: $0) })
        try shelf.yard.flip(shelf.ids[6])
        try shelf.readInOrder(4)
        try #require(eventually { shelf.isFetched(7) })
        #expect(try shelf.read(5) == shelf.contents[5])
        #expect(shelf.failure(6) == .damaged)
        #expect(try shelf.read(7) == shelf.contents[7])
    }

    @Test func `a file that nobody verified is not fetched`() throws {
        let shelf = try Shelf((0..<12).map { noise(3000, seed: $0) })
        try shelf.yard.foreign("UPDATE blobs SET nonce = NULL WHERE id = \(shelf.row(5))")
        for index in 0..<4 { _ = try shelf.read(index) }
        shelf.worker.settle()
        try #require(eventually { shelf.isFetched(6) })
        #expect(!shelf.isFetched(5))
        #expect(try shelf.read(5) == shelf.contents[5])
    }

    @Test func `of a removed blob no file stays open`() throws {
        let shelf = try Shelf((0..<12).map { noise(3000, seed: $0) })
        try shelf.readInOrder(4)
        try shelf.yard.foreign("DELETE FROM blobs WHERE id = \(shelf.row(5))")
        #expect(try !shelf.tree.nextChanges(waitingAtMost: 5).isEmpty)
        #expect(!shelf.isFetched(5))
        shelf.tree.settleRemoved(Inode.blob(shelf.row(5)).number, isHeld: false)
        try FileManager.default.removeItem(atPath: shelf.yard.sealedPath(shelf.ids[5]))
        #expect(try openFiles().allSatisfy { !$0.hasPrefix(shelf.yard.sealedPath(shelf.ids[5])) })
    }

    @Test func `of a blob that was sealed anew the file of before does not stay open`() throws {
        let shelf = try Shelf((0..<12).map { noise(3000, seed: $0) })
        try shelf.readInOrder(4)
        let path = shelf.yard.sealedPath(shelf.ids[5])
        try seal(shelf.contents[5], keys: Yard.sealingKeys()).write(to: URL(fileURLWithPath: path), options: .atomic)
        #expect(try shelf.read(5) == shelf.contents[5])
        shelf.worker.settle()
        #expect(try !openFiles().contains("\(path) (deleted)"))
    }

    @Test func `what was opened while its blob was being removed is let go of with it`() throws {
        let shelf = try Shelf((0..<12).map { noise(3000, seed: $0) })
        let row = shelf.row(5)
        _ = try shelf.read(5)
        let open = try #require(shelf.tree.openBlobs.find(row))
        try shelf.yard.foreign("DELETE FROM blobs WHERE id = \(row)")
        #expect(try !shelf.tree.nextChanges(waitingAtMost: 5).isEmpty)
        _ = shelf.tree.openBlobs.insert(open)
        shelf.tree.forget(Inode.blob(row).number, lookups: 1)
        #expect(shelf.tree.openBlobs.find(row) == nil)
        _ = shelf.tree.openBlobs.insert(open)
        shelf.tree.settleRemoved(Inode.blob(row).number, isHeld: false)
        #expect(shelf.tree.openBlobs.find(row) != nil, "what is no removed blob is not touched")
    }

    @Test func `what is lent stays as it is until it is given back`() throws {
        let shelf = try Shelf((0..<40).map { noise(3000, seed: $0) })
        try shelf.readInOrder(4)
        let lent = try #require(shelf.tree.prefetch.lend(shelf.row(5), at: 0, count: 3000))
        let other = try shelf.tree.makeWorker()
        for index in 5..<38 {
            #expect(try Data(other.read(shelf.inodes[index], at: 0, count: 3000)) == shelf.contents[index])
            other.settle()
        }
        shelf.tree.prefetch.forget(shelf.row(5))
        #expect(Data(lent.bytes) == shelf.contents[5])
        shelf.tree.prefetch.giveBack(lent.slot)
        #expect(!shelf.isFetched(5))
    }

    @Test func `after the end nothing is fetched`() throws {
        let shelf = try Shelf((0..<12).map { noise(3000, seed: $0) })
        shelf.tree.prefetch.end()
        for index in 0..<12 { #expect(try shelf.read(index) == shelf.contents[index]) }
        #expect((0..<12).allSatisfy { !shelf.isFetched($0) })
    }

    @Test func `where a read fails nothing is expected of the program that made it`() throws {
        let shelf = try Shelf((0..<20).map { noise(3000, seed: $0) })
        try shelf.yard.flip(shelf.ids[10])
        // A busy machine may take so long for one of these that the program is thought to be done.
        #expect(
            eventually {
                for index in 0..<10 { _ = try shelf.read(index) }
                return shelf.tree.prefetch.isExpected(shelf.row(11))
            })
        #expect(shelf.failure(10) == .damaged)
        #expect(!shelf.tree.prefetch.isExpected(shelf.row(11)))
    }

    // MARK: What the kernel gets

    /// A kernel that takes all or nothing.
    private final class Kernel: PageCache {
        let isTaking: Bool
        let offered = Mutex<[UInt64: Data]>([:])

        init(isTaking: Bool = true) { self.isTaking = isTaking }

        func store(_ content: UnsafeRawBufferPointer, of inode: UInt64) -> Bool {
            offered.withLock { $0[inode] = Data(content) }
            return isTaking
        }
    }

    /// Reads what the kernel did not take, in order.
    private func read(_ shelf: Shelf, _ range: Range<Int>, beside kernel: Kernel) throws {
        for index in range {
            let isTaken = kernel.offered.withLock { $0[shelf.inodes[index].number] != nil }
            guard !kernel.isTaking || !isTaken else { continue }
            #expect(try shelf.read(index) == shelf.contents[index].prefix(128 << 10))
            shelf.worker.settle()
        }
    }

    @Test(arguments: [true, false]) func `a kernel is offered whole contents, be they taken or not`(_ isTaking: Bool)
        throws
    {
        let sizes = [3000, 1, 262_144, 262_145, 0, 70_000]
        let shelf = try Shelf((0..<600).map { noise(sizes[$0 % 6] + ($0 % 6 == 2 ? 0 : $0 % 5), seed: UInt64($0)) })
        let kernel = Kernel(isTaking: isTaking)
        shelf.tree.attach(kernel)
        try read(shelf, 0..<600, beside: kernel)
        shelf.tree.prefetch.end()
        let offered = kernel.offered.withLock { $0 }
        #expect(!offered.isEmpty)
        for index in 0..<600 {
            guard let content = offered[shelf.inodes[index].number] else { continue }
            #expect(content == shelf.contents[index])
            #expect(!content.isEmpty && content.count <= PrefetchSlot.capacity)
        }
        let stored = shelf.tree.metrics.totals().events(.contentStored)
        #expect(stored == (isTaking ? UInt64(offered.count) : 0))
    }

    @Test func `a kernel is offered neither what is damaged nor what nobody verified`() throws {
        let shelf = try Shelf((0..<1000).map { noise(3000, seed: $0) })
        let damaged = stride(from: 500, to: 1000, by: 41)
        for index in damaged { try shelf.yard.flip(shelf.ids[index]) }
        try shelf.yard.foreign("UPDATE blobs SET nonce = NULL WHERE id % 7 = 1 AND id > \(shelf.row(500))")
        let kernel = Kernel()
        shelf.tree.attach(kernel)
        for index in 0..<1000 where kernel.offered.withLock({ $0[shelf.inodes[index].number] == nil }) {
            #expect((try? shelf.read(index)) == (damaged.contains(index) ? nil : shelf.contents[index]))
            shelf.worker.settle()
        }
        shelf.tree.prefetch.end()
        let offered = kernel.offered.withLock { $0 }
        #expect(!offered.isEmpty)
        #expect(damaged.allSatisfy { offered[shelf.inodes[$0].number] == nil })
        #expect((501..<1000).allSatisfy { shelf.row($0) % 7 != 1 || offered[shelf.inodes[$0].number] == nil })
    }

    @Test func `who is no longer served gets nothing`() throws {
        let shelf = try Shelf((0..<200).map { noise(3000, seed: $0) })
        let kernel = Kernel()
        shelf.tree.attach(kernel)
        shelf.tree.attach(nil)
        try read(shelf, 0..<200, beside: kernel)
        shelf.tree.prefetch.end()
        #expect(kernel.offered.withLock { $0.isEmpty })
    }

    private func openFiles() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
        }
    }
}
