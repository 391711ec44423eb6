import Foundation
import TestSupport
import Testing

/// `backup --verify` and `restore` as a person meets them when something is damaged or missing.
struct DamagedBackupCommandTests {
    private func object(_ outcome: Program.Outcome) throws -> [String: Any] {
        try #require(try outcome.json() as? [String: Any])
    }

    private func filled() throws -> (Workspace, [String]) {
        let work = try Workspace()
        let hashes = try (0..<2).map { number in
            try work.write("\(number)", noise(3000, seed: UInt64(number)))
            return String(try work.put(["\(number)"]).text.prefix(64))
        }
        return (work, hashes)
    }

    private func flip(_ url: URL) throws {
        var bytes = try Data(contentsOf: url)
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: url)
    }

    @Test func `a damaged blob is copied anew, and else left out of a partial restoration`() throws {
        let (work, hashes) = try filled()
        try work.expect(0, ["backup", "dest"])
        let copy = work.folder.appendingPathComponent("dest/blobs/\(hashes[0]).enc")
        try flip(copy)
        let healed = try work.expect(0, ["backup", "dest", "--verify"])
        #expect(healed.errors.contains("blobs/\(hashes[0]).enc was damaged in the backup, and was copied anew"))
        try work.expect(0, ["restore", "dest", "--data-root", "sound"])
        try flip(copy)
        try work.expect(65, ["restore", "dest", "--data-root", "none"])
        #expect(!FileManager.default.fileExists(atPath: work.folder.path + "/none"))
        let partial = try work.expect(65, ["restore", "dest", "--data-root", "part", "--partial", "--json"])
        let leftOut = try #require(try object(partial)["left_out"] as? [[String: Any]])
        #expect(leftOut.map { $0["path"] as? String } == ["blobs/\(hashes[0]).enc"])
        #expect(partial.errors.contains("blobs/\(hashes[0]).enc was not restored"), "\(partial.errors)")
        let rest = try work.expect(0, ["cat", hashes[1], "--data-root", "part"] + work.unlocking)
        #expect(rest.output == noise(3000, seed: 1))
    }

    @Test func `a file that is larger than memory is damage, a list that is larger is not`() throws {
        let (work, _) = try filled()
        let generation = try #require(
            try object(work.expect(0, ["backup", "dest", "--json"]))["generation"] as? String)
        let cases: [(String, String, Int32)] = [
            ("osnova-backup.json", "backup list copy", 65), ("generations/\(generation).json", "backup list copy", 65),
            ("checksums/\(generation)", "restore copy --data-root other", 0),
        ]
        for (file, command, code) in cases {
            let line = """
                rm -rf copy; cp -r dest copy; truncate -s 3G copy/\(file); ulimit -v 2500000
                exec \(Program.path) \(command)
                """
            let outcome = try Program.shell(line, in: work.folder)
            #expect(outcome.code == code, "\(file): \(outcome.errors)")
        }
        try work.expect(0, ["verify", "--data-root", "other"] + work.unlocking)
    }

    @Test func `a generation that lacks blobs says so when it is restored`() throws {
        let (work, hashes) = try filled()
        try FileManager.default.removeItem(at: work.sealedFile(hashes[0]))
        try work.expect(65, ["backup", "dest"])
        let restored = try work.expect(65, ["restore", "dest", "--data-root", "other"])
        #expect(restored.errors.contains("blob \(hashes[0]) had no file"), "\(restored.errors)")
        try work.expect(0, ["cat", hashes[1], "--data-root", "other"] + work.unlocking)
    }
}
