import Foundation
import TestSupport
import Testing

/// `gc`, `cache evict`, `verify --repair`, `backup` and `restore` as a person gives them.
struct KeepingCommandTests {
    private func object(_ outcome: Program.Outcome) throws -> [String: Any] {
        try #require(try outcome.json() as? [String: Any])
    }

    @Test func `gc says what would go and why, and then it is gone`() throws {
        let work = try Workspace()
        try work.write("a", noise(1000, seed: 1))
        let old = String(try work.put(["a"]).text.prefix(64))
        try work.write("a", noise(1000, seed: 2))
        try work.put(["a"])
        #expect(try object(work.expect(0, ["gc", "--json"]))["kept_young"] as? Int == 1)
        let trial = try object(work.expect(0, ["gc", "--grace", "0", "--dry-run", "--json"]))
        let removed = try #require(trial["removed"] as? [[String: Any]])
        #expect(removed.first?["sha256"] as? String == old)
        #expect(removed.first?["reason"] as? String == "nothing refers to it")
        #expect(FileManager.default.fileExists(atPath: work.sealedFile(old).path))
        #expect(try work.expect(0, ["gc", "--grace", "0s"]).text.contains("removed 1 blobs"))
        #expect(!FileManager.default.fileExists(atPath: work.sealedFile(old).path))
        try work.expect(66, ["cat", old] + work.unlocking)
        for bad in ["-1", "5x", "", "99999999999999999999d"] { try work.expect(64, ["gc", "--grace", bad]) }
    }

    @Test(.enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
    func `what is removed disappears from a live mount, and the rest reads on`() throws {
        let work = try Workspace()
        try work.write("a", noise(200_000, seed: 1))
        try work.write("c", noise(3000, seed: 3))
        let old = String(try work.put(["a"]).text.prefix(64))
        let new = try work.write("a", noise(200_000, seed: 2))
        try work.put(["a"])
        try work.expect(0, ["cache", "put", "ant://c", "c"] + work.unlocking)
        try work.mount()
        #expect(try Data(contentsOf: work.mounted("blobs/\(old)")) == noise(200_000, seed: 1))
        try work.expect(0, ["gc", "--grace", "0"])
        try work.expect(0, ["cache", "evict", "--max-size", "0"])
        #expect(
            eventually {
                try !FileManager.default.fileExists(atPath: work.mounted("blobs/\(old)").path)
                    && FileManager.default.contentsOfDirectory(atPath: work.mounted("cache").path).isEmpty
            })
        #expect(try FileManager.default.contentsOfDirectory(atPath: work.mounted("blobs").path).count == 1)
        #expect(try Data(contentsOf: work.mounted("files/a")) == new)
    }

    @Test func `backup, list, prune and restore`() throws {
        let work = try Workspace()
        try work.write("list", noise(1000, seed: 1))
        let hash = String(try work.put(["list"]).text.prefix(64))
        let first = try object(work.expect(0, ["backup", "dest", "--json"]))
        #expect(first["blobs"] as? Int == 1)
        let generation = try #require(first["generation"] as? String)
        try work.write("list", noise(1000, seed: 2))
        try work.put(["list"])
        #expect(try object(work.expect(0, ["backup", "--json", "dest", "--verify"]))["blobs"] as? Int == 2)
        // A directory of the name of a subcommand.
        try work.expect(0, ["backup", "./list-of-mine"])
        #expect(try (work.expect(0, ["backup", "list", "dest", "--json"]).json() as? [Any])?.count == 2)
        try work.expect(64, ["backup", "prune", "dest"])
        try work.expect(64, ["backup"])
        try work.expect(66, ["backup", "list", "nowhere"])
        let restored = try object(work.expect(0, ["restore", "dest", "--generation", generation, "--json"]))
        let kept = try #require(restored["kept_root"] as? String)
        #expect(FileManager.default.fileExists(atPath: "\(kept)/osnova.db"))
        #expect(try work.expect(0, ["cat", hash] + work.unlocking).output == noise(1000, seed: 1))
        let pruned = try object(work.expect(0, ["backup", "prune", "dest", "--keep-daily", "1", "--json"]))
        #expect((pruned["removed"] as? [Any])?.count == 1 && (pruned["kept"] as? [Any])?.count == 1)
        // The checksum lists are what sha256sum takes.
        let sums = try Program.shell("sha256sum -c --quiet checksums/*", in: work.folder.appendingPathComponent("dest"))
        #expect(sums.code == 0, "\(sums.errors)")
    }

    @Test(.enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
    func `nothing is restored over a mounted data root unless told`() throws {
        let work = try Workspace()
        try work.write("a", noise(1000, seed: 1))
        try work.put(["a"])
        try work.expect(0, ["backup", "dest"])
        try work.mount()
        try work.expect(75, ["restore", "dest"])
        #expect(try Data(contentsOf: work.mounted("files/a")) == noise(1000, seed: 1))
        try work.unmount()
        try work.expect(0, ["restore", "dest"])
    }

    @Test func `verify repairs from a backup and says how it ended`() throws {
        let work = try Workspace()
        try work.write("a", noise(1000, seed: 1))
        let hash = String(try work.put(["a"]).text.prefix(64))
        try work.expect(0, ["backup", "dest"])
        try Data("damage".utf8).write(to: work.sealedFile(hash))
        try work.expect(64, ["verify", "--from", "dest"] + work.unlocking)
        let report = try object(work.expect(0, ["verify", "--repair", "--from", "dest", "--json"] + work.unlocking))
        #expect((report["repaired"] as? [[String: Any]])?.first?["sha256"] as? String == hash)
        try work.expect(0, ["verify", "--sample", "50%", "--since", "7d"] + work.unlocking)
        try Data("damage".utf8).write(to: work.sealedFile(hash))
        let lost = try object(work.expect(65, ["verify", "--repair", "--json"] + work.unlocking))
        #expect((lost["quarantined"] as? [String])?.count == 1)
        try work.expect(66, ["verify", "--repair", "--from", "nowhere"] + work.unlocking)
    }
}
