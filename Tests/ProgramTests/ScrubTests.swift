import Foundation
import TestSupport
import Testing

/// What a mount verifies by itself, and who hears of it.
@Suite(.serialized, .enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
struct ScrubTests {
    /// In 2004: a time of as many digits as those of today.
    private static let longAgo = 1_100_000_000

    private func stats(_ work: Workspace) throws -> [String: Any] {
        let document = try work.expect(0, ["stats", "--json"]).json() as? [String: Any]
        // Not there before the first check.
        return document?["verification"] as? [String: Any] ?? [:]
    }

    private func damaged(_ work: Workspace) throws -> [String]? {
        try (stats(work)["damaged"] as? [[String: Any]])?.compactMap { $0["sha256"] as? String }
    }

    private func metric(_ name: String, _ work: Workspace) throws -> Int {
        let text = try String(contentsOf: work.mounted(".osnovafs/metrics"), encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("osnovafs_\(name) ") })
        return try #require(Int(line.split(separator: " ")[1]))
    }

    /// Runs SQL over what the mounts keep of their checks.
    ///
    /// What waits for a check asks here: a mount that is asked all the time is busy, and a busy mount does not verify.
    @discardableResult
    private func book(_ sql: String, _ work: Workspace) throws -> String {
        let path = work.root.appendingPathComponent("upkeep.db").path
        let outcome = try Program.run("/usr/bin/sqlite3", ["-cmd", ".timeout 5000", path, sql])
        #expect(outcome.code == 0, "\(sql): \(outcome.errors)")
        return outcome.text.trimmingCharacters(in: .newlines)
    }

    /// Waits until so many blobs were looked at since the mount began.
    private func awaitChecks(_ count: Int, _ work: Workspace) -> Bool {
        eventually { try book("SELECT count(*) FROM checks WHERE checked_at > \(Self.longAgo)", work) == "\(count)" }
    }

    /// Mounts again, with SQL in between that makes checks look as if they were long ago.
    private func remount(_ work: Workspace, after sql: String) throws {
        try work.unmount()
        try book(sql, work)
        try work.mount(["-o", "scrub=1G"])
    }

    private func verifiedAt(_ hash: String, _ work: Workspace) throws -> Int {
        let outcome = try Program.shell(
            "getfattr --only-values -n user.osnova.verified_at blobs/\(hash)", in: work.mountpoint)
        // None where it was never verified.
        return Int(outcome.text) ?? 0
    }

    private func log(_ work: Workspace) -> [Substring] {
        let text = try? String(contentsOf: work.root.appendingPathComponent("logs/osnova.log"), encoding: .utf8)
        return (text ?? "").split(separator: "\n").filter { $0.contains("a blob is damaged") }
    }

    /// Files whose verification is long ago.
    private func makeStore(_ sizes: [Int]) throws -> (work: Workspace, contents: [Data], hashes: [String]) {
        let work = try Workspace()
        var contents: [Data] = []
        for (index, size) in sizes.enumerated() {
            contents.append(try work.write("f\(index)", noise(size, seed: UInt64(index))))
        }
        let hashes = try work.put(sizes.indices.map { "f\($0)" }).lines.map { String($0.prefix(64)) }
        try work.sqlite("UPDATE blobs SET verified_at = \(Self.longAgo)")
        return (work, contents, hashes)
    }

    @Test func `damage is found, logged once, remembered, shown, and forgotten when it is mended`() throws {
        let (work, contents, hashes) = try makeStore([1000, 5 * 65_536 + 9, 0, 70_000])
        var sealed = try Data(contentsOf: work.sealedFile(hashes[1]))
        sealed[12 + 2 * 65_536 + 5] ^= 4
        try sealed.write(to: work.sealedFile(hashes[1]))
        try FileManager.default.removeItem(at: work.sealedFile(hashes[3]))
        let started = Int(Date().timeIntervalSince1970)
        try work.mount(["-o", "scrub=1G"])
        #expect(eventually { try Set(damaged(work) ?? []) == [hashes[1], hashes[3]] })
        #expect(awaitChecks(4, work))
        for hash in [hashes[0], hashes[2]] { #expect(try verifiedAt(hash, work) >= started) }
        #expect(try verifiedAt(hashes[1], work) == Self.longAgo)
        #expect(try metric("damaged_blobs", work) == 2 && metric("scrub_blobs_total", work) == 4)
        // The reads that everybody else makes: the damaged chunk fails, the others do not.
        for chunk in 0...5 {
            let file = try FileHandle(forReadingFrom: work.mounted("files/f1"))
            try file.seek(toOffset: UInt64(chunk * 65_536))
            let read = try? file.read(upToCount: min(65_536, contents[1].count - chunk * 65_536))
            #expect(read == (chunk == 2 ? nil : contents[1].dropFirst(chunk * 65_536).prefix(65_536)), "chunk \(chunk)")
        }
        let shown = try JSONSerialization.jsonObject(with: Data(contentsOf: work.mounted(".osnovafs/stats.json")))
        let verification = try #require((shown as? [String: Any])?["verification"] as? [String: Any])
        #expect((verification["damaged"] as? [Any])?.count == 2)
        #expect(try work.expect(0, ["stats"]).text.contains("damaged    \(hashes[1])  authentication failed, found "))
        #expect(try work.expect(0, ["doctor"]).text.contains("2 damaged, such as "))
        // What was verified just now is left out, what is known to be damaged is not.
        let verify = try work.expect(65, ["verify", "--since", "1d", "--json"] + work.unlocking)
        #expect(try (verify.json() as? [String: Any])?["checked"] as? Int == 1)
        #expect(log(work).count == 2)
        // Another mount looks again, at what another time has come for, and tells nothing new.
        try remount(work, after: "UPDATE checks SET checked_at = \(Self.longAgo)")
        #expect(awaitChecks(4, work))
        #expect(log(work).count == 2)
        try work.put(["f1", "f3"])
        #expect(try damaged(work) == [])
        #expect(try metric("damaged_blobs", work) == 0)
        #expect(try Data(contentsOf: work.mounted("files/f1")) == contents[1])
        try work.expect(0, ["verify"] + work.unlocking)
    }

    @Test func `the database of the view stays as it is, and backup programs read nothing`() throws {
        let (work, _, _) = try makeStore((0..<60).map { $0 * 500 })
        for index in 0..<20 {
            try work.expect(0, ["cache", "put", "ant://\(index)", "f\(index)"] + work.unlocking)
        }
        // So long ago that a read would be noted, were it a use.
        try work.sqlite("UPDATE autonomi_cache SET last_accessed = 5; UPDATE blobs SET verified_at = \(Self.longAgo)")
        let runs = ["rsync -aHX --delete mnt/ rsync/", "cd mnt && restic backup -q -r ../r ."]
        try BackupTools.run("restic init -q -r r", in: work)
        try work.mount(["-o", "scrub=1G"])
        for script in runs { #expect(try BackupTools.run(script, in: work).code == 0) }
        #expect(awaitChecks(60, work))
        for script in runs {
            try remount(work, after: "UPDATE checks SET checked_at = \(Self.longAgo)")
            #expect(awaitChecks(60, work))
            let run = try BackupTools.run(script, in: work)
            #expect(run.code == 0, "\(script): \(run.errors)")
            // The test itself looks at the metrics.
            let read = try BackupTools.bytesRead(work).filter { $0.key != "generated" }
            #expect(read == ["blob": 0, "document": 0, "database": 0, "host": 0], "\(script)")
        }
        try work.unmount()
        #expect(try work.sqlite("SELECT DISTINCT last_accessed FROM autonomi_cache") == "5")
        #expect(try work.sqlite("SELECT DISTINCT verified_at FROM blobs") == "\(Self.longAgo)")
    }

    @Test func `the next mount goes on where the last one was`() throws {
        let (work, _, hashes) = try makeStore([100, 200, 300])
        try work.mount(["-o", "scrub=1G"])
        #expect(awaitChecks(3, work))
        try remount(work, after: "DELETE FROM checks WHERE sha256 = '\(hashes[1])'")
        #expect(awaitChecks(3, work))
        #expect(try verifiedAt(hashes[1], work) > Self.longAgo)
        #expect(try metric("scrub_blobs_total", work) == 1)
        #expect(try stats(work)["never_verified"] as? Int == 0)
    }

    @Test func `a blob that was verified in the future is verified now`() throws {
        let (work, _, hashes) = try makeStore([100, 200])
        try work.sqlite("UPDATE blobs SET verified_at = 33000000000")
        try work.mount(["-o", "scrub=1G"])
        let now = Int(Date().timeIntervalSince1970)
        #expect(awaitChecks(2, work))
        for hash in hashes { #expect(try (now - 100...now + 100).contains(verifiedAt(hash, work))) }
        #expect(try stats(work)["never_verified"] as? Int == 0)
    }

    @Test func `a mount ends in the middle of a blob`() throws {
        let (work, _, _) = try makeStore([8 << 20])
        // At this pace the blob takes two minutes.
        try work.mount(["-o", "scrub=64K"])
        #expect(eventually { try metric("scrub_bytes_total", work) > 0 })
        try work.unmount()
        #expect(try book("SELECT count(*) FROM checks", work) == "0", "what it was at is not taken for verified")
    }

    @Test func `scrub=off verifies nothing, and what is no way to do it is refused`() throws {
        let (work, _, _) = try makeStore([100])
        for value in ["", "on", "10", "0M", "-1d", "30x", "M", "99999999999999999999d"] {
            try work.expect(64, ["mount"] + work.unlocking + ["-o", "scrub=\(value)", work.mountpoint.path])
        }
        for value in ["", "x", "-1", "1.5G"] {
            try work.expect(64, ["mount"] + work.unlocking + ["-o", "cache_size=\(value)", work.mountpoint.path])
        }
        for value in ["off", "30d", "12h", "4w", "10M", "500k", "1g"] {
            try work.mount(["-o", "scrub=\(value),cache_size=2G"])
            try work.unmount()
        }
    }
}
