import Foundation
import TestSupport
import Testing

/// Views that are not what a mount showed, and imports that are begun again.
struct ImportTests {
    /// A plain copy of what a mount shows, without its catalog's names.
    private func makeView() throws -> (work: Workspace, hashes: [String]) {
        let work = try Workspace()
        for number in 0..<3 { try work.write("f\(number)", noise(2000, seed: UInt64(number))) }
        let hashes = try work.put((0..<3).map { "f\($0)" }).lines.map { String($0.prefix(64)) }
        try work.expect(0, ["verify"] + work.unlocking)
        let lines = """
            mkdir -p view/blobs view/components/org.x/v1.0/data view/logs view/identity
            sqlite3 root/osnova.db ".backup view/osnova.db"
            for hash in \(hashes.joined(separator: " ")); do
                \(Program.path) cat $hash --phrase-file \(work.phraseFile.path) --data-root root >view/blobs/$hash
            done
            echo own >view/components/org.x/v1.0/data/own
            """
        #expect(try Program.shell(lines, in: work.folder).code == 0)
        return (work, hashes)
    }

    private func run(_ work: Workspace, expecting code: Int32) throws -> Program.Outcome {
        try work.expect(code, ["import", "view", "--data-root", "new"] + work.unlocking)
    }

    @Test func `what was refused is tried again by every run, and what is in use is not copied over`() throws {
        let (work, _) = try makeView()
        let inside = "components/org.x/v1.0/data"
        try Program.shell("mkfifo view/\(inside)/late", in: work.folder)
        for _ in 0...1 {
            let refused = try run(work, expecting: 65)
            #expect(
                refused.text.contains("late") || refused.errors.contains("late"), "\(refused.text) \(refused.errors)")
        }
        let lines = """
            rm view/\(inside)/late
            echo late >view/\(inside)/late && echo changed >new/\(inside)/own
            """
        try Program.shell(lines, in: work.folder)
        _ = try run(work, expecting: 0)
        #expect(
            try Program.shell("cat new/\(inside)/late new/\(inside)/own", in: work.folder).text == "late\nchanged\n")
        try work.expect(73, ["import", "view", "--data-root", "new"] + work.unlocking)
    }

    @Test func `an import closes an empty directory to others, as init does`() throws {
        let (work, _) = try makeView()
        try Program.shell("mkdir -m 755 new", in: work.folder)
        _ = try run(work, expecting: 0)
        #expect(try Program.shell("stat -c %a new", in: work.folder).text == "700\n")
    }

    @Test func `the longest names and times before 1970 are copied, by a snapshot too`() throws {
        let (work, _) = try makeView()
        let name = String(repeating: "w", count: 255)
        let inside = "components/org.x/v1.0/data"
        try Program.shell(
            "echo long >view/\(inside)/\(name) && touch -d @-1.5 view/\(inside)/\(name)", in: work.folder)
        _ = try run(work, expecting: 0)
        let looked = try Program.shell("stat -c %.Y new/\(inside)/\(name) && ls -A new", in: work.folder)
        #expect(looked.text.hasPrefix("-1.5"), "\(looked.text)")
        #expect(!looked.text.contains(".copying"))
        try work.expect(0, ["snapshot", "create", "s", "--data-root", "new"])
    }

    @Test func `a content that cannot be read is named, and those after it are taken`() throws {
        let (work, hashes) = try makeView()
        try Program.shell("rm view/blobs/\(hashes[0]) && mkdir view/blobs/\(hashes[0])", in: work.folder)
        let refused = try run(work, expecting: 65)
        #expect((refused.text + refused.errors).contains(hashes[0]))
        for hash in hashes[1...] { try work.expect(0, ["cat", hash, "--data-root", "new"] + work.unlocking) }
    }

    @Test func `a database that is no file is damage`() throws {
        let (work, _) = try makeView()
        try Program.shell("rm view/osnova.db && mkdir view/osnova.db", in: work.folder)
        #expect(try run(work, expecting: 65).errors.contains("osnova.db is no database"))
        #expect(!FileManager.default.fileExists(atPath: work.folder.path + "/new"))
    }

    @Test func `of two imports into one data root the second is told to wait`() throws {
        let (work, hashes) = try makeView()
        try Program.shell("rm view/blobs/\(hashes[0])", in: work.folder)
        _ = try run(work, expecting: 65)
        let command = "\(Program.path) import view --data-root new --phrase-file \(work.phraseFile.path)"
        let second = try Program.shell("flock new/components \(command)", in: work.folder)
        #expect(second.code == 75 && second.errors.contains("another import"), "\(second.errors)")
    }
}
