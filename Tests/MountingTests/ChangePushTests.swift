import Glibc
import Primitives
import Synchronization
import Testing
import Tree

@testable import Mounting

/// What a kernel is told, in which order, and what it may answer.
@Suite struct ChangePushTests {
    private final class Kernel: Invalidating {
        enum Call: Equatable {
            case entry(String, in: UInt64)
            case deletion(String, of: UInt64, in: UInt64)
            case inode(UInt64, keepingPages: Bool)
        }

        let calls = Mutex<[Call]>([])
        let answer: Int32

        init(answer: Int32 = 0) { self.answer = answer }

        private func note(_ call: Call) -> Int32 {
            calls.withLock { $0.append(call) }
            return answer
        }

        func dropEntry(_ name: [UInt8], in directory: UInt64) -> Int32 {
            note(.entry(String(decoding: name, as: UTF8.self), in: directory))
        }

        func deleteEntry(_ name: [UInt8], of child: UInt64, in directory: UInt64) -> Int32 {
            note(.deletion(String(decoding: name, as: UTF8.self), of: child, in: directory))
        }

        func dropInode(_ inode: UInt64, keepingPages: Bool) -> Int32 { note(.inode(inode, keepingPages: keepingPages)) }
    }

    private let blob = Inode.blob(5).number
    private let node = Inode.node(70).number

    private func push(
        _ changes: [TreeChange], _ kernel: Kernel, _ tree: MemoryTree = MemoryTree(),
        places: LookupPlaces = LookupPlaces()
    ) throws -> [Kernel.Call] {
        try ChangePush(tree: tree, kernel: kernel, places: places).push(changes)
        return kernel.calls.withLock { $0 }
    }

    @Test func `an inode is dropped at once, and again when older answers were taken in where threads looked last`()
        throws
    {
        let places = LookupPlaces()
        for directories in [[33, 17], [49], [17], []] as [[UInt64]] {
            let place = places.makePlace()
            for directory in directories { place.enter(directory) }
        }
        #expect(places.directories == [17, 49])
        let calls = try push([.changed(inode: blob)], Kernel(answer: -ENOENT), places: places)
        #expect(calls.count == 4 && [calls.first, calls.last] == [.inode(blob, keepingPages: false), calls.first])
        for directory in [17, 49] as [UInt64] { #expect(calls.contains(.entry("\u{1}", in: directory))) }
        #expect(try push([], Kernel(), places: places) == [], "nobody waits for nothing")
    }

    @Test func `each change drops what it made old, and no pages that are still right`() throws {
        #expect(
            try push([.added(directory: 17, name: [97])], Kernel())
                == [.entry("a", in: 17), .inode(17, keepingPages: false)])
        #expect(try push([.changed(inode: blob)], Kernel()) == [.inode(blob, keepingPages: false)])
        #expect(try push([.attributes(inode: blob)], Kernel()) == [.inode(blob, keepingPages: true)])
        #expect(
            try push([.removed(directory: 17, name: [97], inode: node)], Kernel())
                == [
                    .deletion("a", of: node, in: 17), .inode(node, keepingPages: true), .inode(17, keepingPages: false),
                ])
    }

    @Test func `a blob that loses one name of several is not said to be deleted`() throws {
        #expect(
            try push([.removed(directory: 17, name: [97], inode: blob)], Kernel())
                == [.entry("a", in: 17), .inode(blob, keepingPages: true), .inode(17, keepingPages: false)])
    }

    @Test func `a deletion that the kernel refuses becomes a name that it forgets`() throws {
        let tree = MemoryTree()
        let calls = try push([.removed(directory: 17, name: [97], inode: node)], Kernel(answer: -ENOTEMPTY), tree)
        #expect(calls.prefix(2) == [.deletion("a", of: node, in: 17), .entry("a", in: 17)])
        #expect(tree.reports.count == 3, "what the kernel refuses is reported")
    }

    @Test func `a kernel that holds nothing of it is fine`() throws {
        let tree = MemoryTree()
        _ = try push([.added(directory: 17, name: [97]), .changed(inode: 33)], Kernel(answer: -ENOENT), tree)
        #expect(tree.reports == [])
    }

    @Test(arguments: [ENODEV, EPIPE, ENOTCONN]) func `a mount that has ended is told nothing more`(number: Int32) {
        let (tree, kernel) = (MemoryTree(), Kernel(answer: -number))
        #expect(throws: MountHasEnded.self) { try push([.changed(inode: 17), .changed(inode: 33)], kernel, tree) }
        #expect(kernel.calls.withLock { $0.count } == 1 && tree.reports == [])
    }

    @Test func `everything is every entry of every directory, however many`() throws {
        let tree = MemoryTree()
        let directory = tree.add("d", MemoryTree.File(kind: .directory))
        var files: [Inode] = []
        for number in 0..<600 { files.append(tree.add("f\(number)", in: directory, MemoryTree.File())) }
        let snapshots = FixedNode.snapshots.inode
        let old = tree.add("old", in: snapshots, MemoryTree.File(kind: .directory))
        let calls = try push([.everything], Kernel(), tree)
        #expect(
            calls.starts(with: [.entry(".snapshots", in: 1), .inode(1, keepingPages: false), .entry("d", in: 1)]))
        for (number, inode) in files.enumerated() {
            #expect(calls.contains(.entry("f\(number)", in: directory.number)))
            #expect(calls.contains(.inode(inode.number, keepingPages: true)), "a blob's pages are its content for ever")
        }
        for directory in [directory, snapshots, old] {
            #expect(calls.contains(.inode(directory.number, keepingPages: false)))
        }
        #expect(calls.contains(.entry("old", in: snapshots.number)), "no listing tells of the snapshots")
    }

    @Test func `a tree that cannot be listed is an error, so that the changes are told again`() {
        let tree = MemoryTree()
        tree.fail(.list, of: FixedNode.root.inode, OsnovaError(.busy, "locked"))
        #expect(kind { _ = try push([.everything], Kernel(), tree) } == .busy)
    }
}
