import Foundation
import Primitives
import TestSupport
import Testing
import Tree

@testable import OsnovaStorage

/// What the kernel is told to forget of the data root's files.
@Suite struct HostReadsTests {
    private static let second: Int64 = 1_000_000_000
    private let file = Inode.host(1)
    private let now = 1_000_000 * second

    @Test func `a file that is another than the one that was given is told of once`() {
        let reads = HostReads()
        reads.note(file, changed: 7, now: now)
        reads.compare(file.number, changed: 7)
        #expect(reads.takeDue() == [])
        reads.compare(file.number, changed: 8)
        reads.compare(file.number, changed: 9)
        #expect(reads.takeDue() == [file.number])
        reads.compare(file.number, changed: 10)
        #expect(reads.takeDue() == [])
        // By a mapping, which nobody looks at the file for.
        reads.note(file, changed: 10, now: now)
        reads.note(file, changed: 11, now: now)
        #expect(reads.takeDue() == [file.number])
    }

    @Test func `what was given within a tick of its change is told of when that is over, other files never`() {
        let reads = HostReads()
        let start = Clock.monotonic
        reads.note(file, changed: now - Self.second, now: now)
        reads.note(.host(2), changed: now - 3 * Self.second, now: now)
        var told: [Set<UInt64>] = []
        for turn in 1...4 as ClosedRange<UInt64> { told.append(reads.takeDue(now: start + turn * 3_000_000_000)) }
        #expect(told == [[], [file.number], [], []])
    }

    @Test func `what is remembered is bounded, and what is forgotten is told of`() {
        let reads = HostReads()
        var told: Set<UInt64> = []
        for number in 1...40_000 as ClosedRange<Int64> {
            reads.note(.host(number), changed: 1, now: now)
            told.formUnion(reads.takeDue())
        }
        #expect(told.count == 32_768)
    }

    @Test func `a file and a directory whose times are set back are told of when they are looked at`() throws {
        let yard = try Yard()
        let tree = try yard.tree()
        let worker = try tree.makeWorker()
        let path = yard.folder.path("root/logs/d/a")
        try FileManager.default.createDirectory(
            atPath: yard.folder.path("root/logs/d"), withIntermediateDirectories: true)
        func set(_ text: String) throws {
            try yard.folder.write("root/logs/d/\(text)", Data())
            try yard.folder.write("root/logs/d/a", Data(text.utf8))
            for place in [path, yard.folder.path("root/logs/d")] {
                #expect(utimes(place, [timeval(tv_sec: 1, tv_usec: 0), timeval(tv_sec: 1, tv_usec: 0)]) == 0)
            }
        }
        try set("b")
        #expect(try worker.content("logs/d/a") == Data("b".utf8))
        let directory = try #require(try worker.find("logs/d").flatMap { Inode(number: $0.inode) })
        try worker.list(directory, after: 0) { _, _, _ in true }
        let file = try #require(try worker.find("logs/d/a"))
        try set("c")
        _ = try worker.attributes(of: directory)
        _ = try worker.find("logs/d/a")
        let told = try tree.nextChanges(waitingAtMost: 0)
        #expect(told.contains(.changed(inode: directory.number)) && told.contains(.changed(inode: file.inode)))
    }
}
