import Foundation
import Glibc
import Primitives
import Synchronization
import TestSupport
import Testing
import Tree

@testable import Mounting

extension MountTests {
    /// What the kernel keeps, and forgets when it is told to: else nothing here could be seen to be stale.
    @Suite(.serialized) struct CacheTests {
        private let root = FixedNode.root.inode.number

        private func file(_ text: String) -> MemoryTree.File { MemoryTree.File(content: Array(text.utf8)) }

        @Test func `attributes are kept until they are said to have changed`() throws {
            let mounted = try Mounted()
            let inode = mounted.tree.add("f", file("x"))
            #expect(try mounted.status("f").st_size == 1)
            mounted.tree.change(inode) { $0.modified = 5_000_000_000 }
            #expect(try mounted.status("f").st_mtim.tv_sec == 1_600_000_000, "kept")
            mounted.tree.announce(.attributes(inode: inode.number))
            #expect(eventually { try mounted.status("f").st_mtim.tv_sec == 5 })
        }

        @Test func `what was looked up before a change and is answered after it is not kept`() throws {
            let mounted = try Mounted()
            let directory = mounted.tree.add("d", MemoryTree.File(kind: .directory))
            let inode = mounted.tree.add("f", in: directory, file("old"))
            mounted.tree.state.withLock { $0.stuck = directory }
            let asker = Process()
            asker.executableURL = URL(fileURLWithPath: "/usr/bin/stat")
            asker.arguments = ["--format=%s", mounted.path("d/f")]
            let output = Pipe()
            asker.standardOutput = output
            try asker.run()
            #expect(eventually { mounted.tree.state.withLock { $0.isWaiting } })
            mounted.tree.change(inode) { $0.content = Array("new and longer".utf8) }
            let questions = mounted.tree.state.withLock { $0.questions }
            mounted.tree.announce(.changed(inode: inode.number))
            // Whoever waits for no answer has told the kernel by now, and asks for more.
            _ = eventually(within: 1) { mounted.tree.state.withLock { $0.questions > questions + 1 } }
            mounted.tree.state.withLock { $0.stuck = nil }
            #expect(try output.fileHandleForReading.readToEnd() == Data("3\n".utf8), "answered as it was before")
            asker.waitUntilExit()
            #expect(eventually { try mounted.status("d/f").st_size == 14 })
            #expect(try mounted.text("d/f") == "new and longer")
        }

        @Test func `what the kernel took is read without a request, and it takes what it knows alone`() throws {
            let mounted = try Mounted()
            let content = (0..<70_001).map { UInt8(truncatingIfNeeded: $0 / 7) }
            let inode = mounted.tree.add("f", MemoryTree.File(content: content)).number
            let cache = try #require(mounted.tree.state.withLock { $0.cache })
            #expect(content.withUnsafeBytes { !cache.store($0, of: inode) }, "the kernel has not met it")
            #expect(try mounted.status("f").st_size == 70_001)
            #expect(content.withUnsafeBytes { cache.store($0, of: inode) })
            #expect(try mounted.read("f") == content)
            #expect(mounted.tree.requests(.read) == 0)
            #expect(try mounted.end() == .unmounted)
            #expect(mounted.tree.state.withLock { $0.cache == nil }, "nobody stores into a mount that is gone")
        }

        @Test func `pages are kept until the content is said to have changed`() throws {
            let mounted = try Mounted()
            let inode = mounted.tree.add("f", file("old"))
            #expect(try mounted.text("f") == "old")
            mounted.tree.change(inode) { $0.content = Array("new".utf8) }
            #expect(try mounted.text("f") == "old", "kept")
            let reads = mounted.tree.requests(.read)
            mounted.tree.announce(.attributes(inode: inode.number), .added(directory: root, name: [120]))
            #expect(eventually { mounted.tree.state.withLock { $0.changes.isEmpty } })
            #expect(
                try mounted.text("f") == "old" && mounted.tree.requests(.read) == reads, "attributes are no content")
            mounted.tree.announce(.changed(inode: inode.number))
            #expect(eventually { try mounted.text("f") == "new" })
            mounted.tree.change(inode) { $0.content = Array("longer than before".utf8) }
            mounted.tree.announce(.changed(inode: inode.number))
            #expect(eventually { try mounted.text("f") == "longer than before" })
        }

        @Test func `names and listings are kept until an entry is said to have come or gone`() throws {
            let mounted = try Mounted()
            let directory = mounted.tree.add("d", MemoryTree.File(kind: .directory))
            let first = mounted.tree.add("first", in: directory, file("1"))
            #expect(try mounted.names("d").count == 1 && mounted.text("d/first") == "1")
            mounted.tree.remove("first", from: directory)
            mounted.tree.add("second", in: directory, file("2"))
            #expect(try mounted.text("d/first") == "1" && mounted.names("d") == [Array("first".utf8)], "kept")
            mounted.tree.announce(
                .removed(directory: directory.number, name: Array("first".utf8), inode: first.number),
                .added(directory: directory.number, name: Array("second".utf8)))
            #expect(eventually { try mounted.names("d") == [Array("second".utf8)] })
            #expect(number { _ = try mounted.status("d/first") } == ENOENT)
            #expect(try mounted.text("d/second") == "2")
        }

        @Test func `who lists a large directory and then looks at each file causes no look-ups`() throws {
            let mounted = try Mounted { tree in
                for number in 0..<3000 { tree.add("file \(number)", file("x")) }
            }
            let names = try mounted.names()
            #expect(names.count == 3000)
            for name in names { #expect(try mounted.status(String(decoding: name, as: UTF8.self)).st_size == 1) }
            #expect(mounted.tree.requests(.lookup) == 0)
        }

        @Test func `a name that points to another inode is looked up again`() throws {
            let mounted = try Mounted()
            mounted.tree.add("f", file("old"))
            #expect(try mounted.text("f") == "old")
            mounted.tree.remove("f")
            mounted.tree.add("f", file("new"))
            #expect(try mounted.text("f") == "old", "kept")
            mounted.tree.announce(.added(directory: root, name: [102]))
            #expect(eventually { try mounted.text("f") == "new" })
        }

        @Test func `a directory that goes takes what is below it along`() throws {
            let mounted = try Mounted()
            let outer = mounted.tree.add("d", MemoryTree.File(kind: .directory))
            let inner = mounted.tree.add("e", in: outer, MemoryTree.File(kind: .directory))
            mounted.tree.add("f", in: inner, file("x"))
            #expect(try mounted.text("d/e/f") == "x")
            mounted.tree.remove("d")
            mounted.tree.announce(.removed(directory: root, name: [100], inode: outer.number))
            #expect(eventually { number { _ = try mounted.status("d/e/f") } == ENOENT })
            #expect(try mounted.names() == [])
        }

        @Test(arguments: [false, true]) func `when everything may have changed, nothing old is left`(fails: Bool) throws
        {
            let mounted = try Mounted()
            let directory = mounted.tree.add("d", MemoryTree.File(kind: .directory))
            let link = mounted.tree.add("l", in: directory, MemoryTree.File(kind: .symbolicLink, content: [1]))
            let gone = mounted.tree.add("gone", in: directory, file("x"))
            let document = Inode.document(.metadata, node: 7)
            mounted.tree.state.withLock { state in
                state.files[document] = file("old")
                state.lastRow += 1
                state.files[directory]?.entries.append((Array("doc".utf8), document, UInt64(state.lastRow)))
            }
            #expect(
                try mounted.names("d").count == 3 && mounted.text("d/doc") == "old" && mounted.text("d/gone") == "x")
            #expect(try mounted.target("d/l") == [1])
            mounted.tree.change(document) { $0.content = Array("new".utf8) }
            mounted.tree.change(link) { $0.content = [2] }
            mounted.tree.change(gone) { $0.modified = 0 }
            mounted.tree.remove("gone", from: directory)
            mounted.tree.add("came", in: directory, file("y"))
            // What is still in the listing.
            #expect(try mounted.text("d/doc") == "old" && mounted.target("d/l") == [1], "kept")
            if fails { mounted.tree.fail(.list, of: directory, OsnovaError(.busy, "the database is locked")) }
            mounted.tree.announce(.everything)
            if fails {
                #expect(eventually { mounted.tree.reports.contains { $0.contains("locked") } })
                mounted.tree.fail(.list, of: directory, nil)
            }
            #expect(eventually { try mounted.text("d/doc") == "new" && mounted.target("d/l") == [2] })
            #expect(eventually { number { _ = try mounted.status("d/gone") } == ENOENT })
            #expect(eventually { try mounted.names("d").contains(Array("came".utf8)) })
            #expect(try mounted.names("d").count == 3)
        }
    }
}
