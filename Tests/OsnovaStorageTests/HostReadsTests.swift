import Foundation
import TestSupport
import Testing
import Tree

@testable import OsnovaStorage

/// What the kernel is told to forget of the data root's files.
@Suite struct HostReadsTests {
    private static let turn: UInt64 = 1_000_000_000

    @Test func `content is forgotten one turn after it was given, and again if it was given meanwhile`() {
        let reads = HostReads()
        #expect(reads.due(now: Self.turn) == [])
        reads.note(.host(1))
        #expect(reads.due(now: Self.turn + 1) == nil)
        #expect(reads.due(now: 2 * Self.turn) == [])
        reads.note(.host(1))
        for turn in 3...4 as ClosedRange<UInt64> {
            #expect(reads.due(now: turn * Self.turn) == [Inode.host(1).number])
        }
        #expect(reads.due(now: 5 * Self.turn) == [])
    }

    @Test func `a file and a directory that were read are told of`() throws {
        let yard = try Yard()
        let tree = try yard.tree()
        let worker = try tree.makeWorker()
        try yard.folder.write("root/logs/a", Data("a".utf8))
        #expect(try worker.content("logs/a") == Data("a".utf8))
        let logs = try #require(try worker.find("logs").flatMap { Inode(number: $0.inode) })
        try worker.list(logs, after: 0) { _, _, _ in true }
        let file = try #require(try worker.find("logs/a"))
        var told: [TreeChange] = []
        #expect(
            eventually {
                told += try tree.nextChanges(waitingAtMost: 0)
                return told.contains(.changed(inode: logs.number)) && told.contains(.changed(inode: file.inode))
            })
    }
}
