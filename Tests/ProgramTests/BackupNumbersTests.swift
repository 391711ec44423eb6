import Foundation
import TestSupport
import Testing

/// The inode numbers of files beside the catalog go into a backup and come back with it.
@Suite(.serialized, .enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
struct BackupNumbersTests {
    /// Number, size, modification and status change of everything that the mount passes through.
    private func numbers(_ work: Workspace) throws -> [Substring] {
        try Program.shell(
            "find identity logs components -printf '%i %y %s %T@ %C@ %p\\n' | sort", in: work.mountpoint
        ).lines
    }

    private func filled() throws -> Workspace {
        let work = try Workspace()
        try work.write("m.json", Data(#"{"id":"c","name":"C","version":"1.0.0","kind":"backend"}"#.utf8))
        try work.expect(0, ["component", "install", "m.json"] + work.unlocking)
        for number in 0..<20 { try work.write("root/components/c/v1.0/data/\(number)", noise(number * 100, seed: 1)) }
        try work.write("root/identity/me/keys.cocoon", noise(100, seed: 2))
        try work.write("root/logs/components/c.log", Data("one\n".utf8))
        let link = work.root.path + "/components/c/v1.0/current"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "data/1")
        return work
    }

    @Test func `numbers and times are the same after a restoration`() throws {
        let work = try filled()
        try work.mount()
        let first = try numbers(work)
        #expect(first.count > 25)
        // Files that grow, and directories that fill and shrink, after they got their numbers.
        let log = try FileHandle(forWritingTo: work.root.appendingPathComponent("logs/components/c.log"))
        try log.seekToEnd()
        try log.write(contentsOf: Data("two\n".utf8))
        try log.close()
        let many = "cd root/components/c/v1.0/data && touch {1000..1400} && rm {1000..1400} && echo x >>3"
        #expect(try Program.shell(many, in: work.folder).code == 0)
        let before = try numbers(work)
        #expect(before.map { $0.prefix { $0 != " " } } == first.map { $0.prefix { $0 != " " } })
        // While it is mounted, and numbers are given.
        try work.expect(0, ["backup", "dest"])
        try work.expect(0, ["backup", "--to-command", "cat >stream.tar"])
        for source in ["dest", "stream.tar"] {
            try work.unmount()
            try work.expect(0, ["restore", source])
            try work.mount()
            #expect(try numbers(work) == before, "\(source)")
        }
        try work.remount()
        #expect(try numbers(work) == before)
        try work.unmount()
        let mode = try FileManager.default.attributesOfItem(atPath: work.root.path + "/view.db")[.posixPermissions]
        #expect(mode as? Int == 0o600)
    }

    @Test func `a file that took another's place before the backup gets a number of its own`() throws {
        let work = try filled()
        try work.mount()
        let before = try numbers(work)
        try work.unmount()
        let path = work.root.appendingPathComponent("components/c/v1.0/data/7")
        try FileManager.default.removeItem(at: path)
        try work.write("root/components/c/v1.0/data/7", noise(5000, seed: 9))
        try work.expect(0, ["backup", "dest"])
        try work.expect(0, ["restore", "dest"])
        try work.mount()
        let after = try numbers(work)
        func number(_ lines: [Substring], _ name: String) -> Substring? {
            lines.first { $0.hasSuffix("data/\(name)") }?.prefix { $0 != " " }
        }
        #expect(number(after, "7") != nil && number(after, "7") != number(before, "7"))
        #expect(number(after, "8") == number(before, "8"))
    }

    @Test func `a backup without numbers, or with a book that is damaged, is restored all the same`() throws {
        let work = try filled()
        // Never mounted, as every backup that was made before numbers were part of it.
        try work.expect(0, ["backup", "dest"])
        try work.write("root/view.db", noise(10_000, seed: 3))
        try work.expect(0, ["backup", "dest", "--verify"])
        let listed = try #require(work.expect(0, ["backup", "list", "dest", "--json"]).json() as? [[String: Any]])
        for document in listed {
            let generation = try #require(document["generation"] as? String)
            try work.expect(0, ["restore", "dest", "--generation", generation])
            #expect(!FileManager.default.fileExists(atPath: work.root.path + "/view.db"))
            try work.mount()
            #expect(try numbers(work).count > 25)
            try work.unmount()
        }
    }
}
