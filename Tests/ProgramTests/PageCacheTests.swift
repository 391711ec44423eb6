import Foundation
import TestSupport
import Testing

/// What the kernel gets before a program asks for it.
@Suite(.serialized, .enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
struct PageCacheTests {
    private struct Tree {
        let work: Workspace
        let contents: [Data]
        let hashes: [String]
        let names: [String]

        init(_ contents: [Data]) throws {
            self.contents = contents
            work = try Workspace()
            names = contents.indices.map { String(format: "%05d", $0) }
            for (name, content) in zip(names, contents) { try work.write("src/\(name)", content) }
            hashes = try work.put(["src"], options: ["-r"]).lines.sorted { $0.suffix(5) < $1.suffix(5) }.map {
                String($0.prefix(64))
            }
            try work.mount()
            // A kernel takes contents of inodes that it knows.
            let listed = try FileManager.default.contentsOfDirectory(atPath: work.mounted("files/src").path)
            #expect(listed.sorted() == names)
        }

        func read(_ index: Int) throws -> Data { try Data(contentsOf: work.mounted("files/src/\(names[index])")) }

        func counted(_ name: String) throws -> Int {
            let text = try String(contentsOf: work.mounted(".osnovafs/metrics"), encoding: .utf8)
            let line = text.split(separator: "\n").first { $0.hasPrefix("osnovafs_\(name) ") }
            return try #require(line.flatMap { $0.split(separator: " ").last }.flatMap { Int($0) })
        }
    }

    @Test func `who lists a tree and reads it in order is right about every file, and asks for few`() throws {
        let sizes = [100, 4096, 0, 65_536, 1, 200_000, 262_144, 262_145, 4097, 3]
        let tree = try Tree((0..<1500).map { noise(sizes[$0 % 10] / ($0 < 200 ? 1 : 50) + $0 % 3, seed: UInt64($0)) })
        for (index, content) in tree.contents.enumerated() { #expect(try tree.read(index) == content, "\(index)") }
        #expect(eventually { try tree.counted("contents_stored_total") > 0 })
        let all = Set(tree.contents).reduce(0) { $0 + $1.count }
        #expect(eventually { try tree.counted("read_bytes_total{content=\"blob\"}") >= all }, "what it took is counted")
        // Nothing but its pages answers now.
        let asked = try tree.counted("requests_total{operation=\"read\"}")
        for (index, content) in tree.contents.enumerated() { #expect(try tree.read(index) == content, "\(index)") }
        #expect(try tree.counted("requests_total{operation=\"read\"}") < asked + 50)
    }

    @Test func `of files that are damaged one after another none is read`() throws {
        let tree = try Tree((0..<300).map { noise(300, seed: UInt64($0)) })
        for index in 0..<300 {
            let file = tree.work.sealedFile(tree.hashes[index])
            let sound = try Data(contentsOf: file)
            try Data(sound.map { $0 ^ 1 }).write(to: file)
            #expect((try? tree.read(index)) == nil, "\(index)")
            try sound.write(to: file)
        }
    }

    @Test func `who goes away in the middle of a tree holds up no unmount`() throws {
        let tree = try Tree((0..<600).map { noise(20_000, seed: UInt64($0)) })
        for index in 0..<350 { _ = try tree.read(index) }
        try tree.work.unmount()
        try tree.work.mount()
        #expect(try tree.read(599) == tree.contents[599])
    }
}
