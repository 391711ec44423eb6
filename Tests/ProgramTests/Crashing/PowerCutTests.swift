import Foundation
import TestSupport
import Testing

/// The power goes at each point at which the program changes the disk, and with it all that was not made durable.
///
/// On a real filesystem with SQLite's own `fsync`: see ``PowerCutDisk``. What was acknowledged must be there, and nothing
/// half done. Killing alone loses nothing that was written; this loses everything that was not synchronized.
/// `OSNOVAFS_CRASH_TEST=full` tries every point and every loss, on ext4 and on xfs.
@Suite(.serialized, .enabled(if: PowerCutDisk.kinds.contains(.ext4), "SKIPPED: no power was cut, \(LoopDisk.obstacle)"))
struct PowerCutTests {
    private static let kinds: [LoopDisk.Kind] = CrashTests.isFull ? PowerCutDisk.kinds : [.ext4]
    private static let losses: [PowerCutDisk.Loss] =
        CrashTests.isFull ? PowerCutDisk.Loss.allCases : [.everything, .contents]
    private static let shortCount = 2

    /// What all of this rests on.
    @Test(arguments: kinds) func `what nobody made durable is lost, and the rest is not`(_ kind: LoopDisk.Kind) throws {
        let disk = try PowerCutDisk(kind)
        try disk.keepAsTemplate()
        try disk.reset()
        // In an order in which the journal, once it is written, carries nothing that comes later.
        let lines = """
            mkdir safe && echo safe >safe/file && sync safe/file safe .
            echo lost >unsynced && echo old >replaced && sync replaced . && echo new >other && mv other replaced
            """
        #expect(try Program.shell(lines, in: disk.mountpoint).code == 0)
        func text(_ name: String) -> String? {
            try? String(contentsOf: disk.mountpoint.appendingPathComponent(name), encoding: .utf8)
        }
        try disk.cutPower([.everything, .contents]) { loss in
            #expect(text("safe/file") == "safe\n", "\(kind) \(loss)")
            #expect(text("unsynced") == "", "\(kind) \(loss): its name was synchronized, its content was not")
            #expect(text("replaced") == (loss == .everything ? "old\n" : ""), "\(kind) \(loss)")
        }
    }

    @Test(arguments: kinds, [false, true])
    func `a sealed file that another program left unsynchronized is durable when put says so`(
        _ kind: LoopDisk.Kind, _ wasRead: Bool
    ) throws {
        let disk = try PowerCutDisk(kind)
        func folder(_ name: String) -> URL { disk.mountpoint.appendingPathComponent(name) }
        let (one, other) = try (CrashFolder(making: folder("one")), CrashFolder(making: folder("other")))
        for store in [one, other] { try store.write("f", noise(300_000, seed: 1)) }
        let hash = try #require(CrashFolder.hashes(one.expect(["put", "f"] + CrashFolder.unlocking)).first)
        try disk.keepAsTemplate()
        let name = "root/blobs/\(hash).enc"
        // Foundation would synchronize what it writes.
        #expect(try Program.shell("cp one/\(name) other/\(name)", in: disk.mountpoint).code == 0)
        // What is read is verified and recorded, but nobody was promised that it stays.
        if wasRead { try other.expect(["cat", hash] + CrashFolder.unlocking) }
        try other.expect(["put", "f"] + CrashFolder.unlocking)
        try disk.cutPower([.everything]) { loss in
            try other.expect(["verify"] + CrashFolder.unlocking, "\(kind), lost: \(loss)")
            #expect(other.exists(name))
        }
    }

    @Test(arguments: kinds)
    func `a sealed file that another program left unsynchronized is durable in a backup of hard links`(
        _ kind: LoopDisk.Kind
    ) throws {
        let disk = try PowerCutDisk(kind)
        let store = try CrashFolder(making: disk.mountpoint.appendingPathComponent("one"))
        try store.write("f", noise(300_000, seed: 1))
        let hash = try #require(CrashFolder.hashes(store.expect(["put", "f"] + CrashFolder.unlocking)).first)
        let file = "one/root/blobs/\(hash).enc"
        #expect(try Program.shell("mv \(file) sealed && sync sealed one/root/blobs", in: disk.mountpoint).code == 0)
        try disk.keepAsTemplate()
        #expect(try Program.shell("cp sealed \(file)", in: disk.mountpoint).code == 0)
        try store.expect(["backup", "backup", "--hard-links"])
        try disk.cutPower([.everything]) { loss in
            try store.expect(["backup", "verify", "backup"], "\(kind), lost: \(loss)")
        }
    }

    /// The end of a rekey takes the old key away, and with it the only way back to what was there before.
    @Test(arguments: kinds) func `a file that another program sealed under the new key is durable when a rekey ends`(
        _ kind: LoopDisk.Kind
    ) throws {
        let disk = try PowerCutDisk(kind)
        let one = try CrashFolder(making: disk.mountpoint.appendingPathComponent("one"))
        try one.write("f", noise(300_000, seed: 1))
        let hash = try #require(CrashFolder.hashes(one.expect(["put", "f"] + CrashFolder.unlocking)).first)
        let phrase = "legal winner thank year wave sausage worth useful legal winner thank yellow"
        try one.write("new", Data(phrase.utf8))
        let rekey = ["rekey", "--new-phrase-file", "new"] + CrashFolder.unlocking
        func rows() throws -> String {
            try Program.run("/usr/bin/sqlite3", [one.path("root/osnova.db"), "SELECT count(*) FROM rekey"]).text
        }
        var point = 1
        while try rows() != "2\n" {
            #expect(try one.run(rekey, crashAt: point).code == -9)
            point += 1
        }
        let other = CrashFolder(disk.mountpoint.appendingPathComponent("other"))
        #expect(try Program.shell("cp -r one other", in: disk.mountpoint).code == 0)
        try other.expect(rekey)
        try disk.keepAsTemplate()
        let name = "root/blobs/\(hash).enc"
        #expect(try Program.shell("cp --remove-destination other/\(name) one/\(name)", in: disk.mountpoint).code == 0)
        try one.expect(rekey)
        try disk.cutPower([.everything]) { loss in
            try one.expect(["verify", "--phrase-file", "new"], "\(kind), lost: \(loss)")
            #expect(one.exists(name))
        }
    }

    /// Without a journal nothing makes an inode and its name durable together.
    @Test(
        .enabled(if: LoopDisk.kinds.contains(.unjournaled), "SKIPPED: no disk without a journal, \(LoopDisk.obstacle)"),
        arguments: [1, 40])
    func `a disk without a journal keeps what was acknowledged`(_ count: Int) throws {
        let disk = try PowerCutDisk(.unjournaled)
        let store = try CrashFolder(making: disk.mountpoint.appendingPathComponent("store"))
        for number in 0..<count { try store.write("files/\(number)", noise(3000, seed: UInt64(number))) }
        try store.write("new", Data("legal winner thank year wave sausage worth useful legal winner thank yellow".utf8))
        var hashes: [String] = []
        func cut(after deed: () throws -> Void, _ inspect: () throws -> Void) throws {
            try disk.keepAsTemplate()
            try deed()
            try disk.cutPower([.everything]) { _ in try inspect() }
            try disk.reset()
            try deed()
        }
        try cut(after: { hashes = try store.put("files") }) { try store.check(hashes, "put") }
        try cut(after: { try store.expect(["backup", "kept"]) }) { try store.expect(["backup", "verify", "kept"]) }
        try cut(after: { try store.expect(["rekey", "--new-phrase-file", "new"] + CrashFolder.unlocking) }) {
            try store.check(hashes, "rekey", by: ["--phrase-file", "new"])
        }
    }

    @Test(arguments: kinds, CrashScenario.all)
    func `the power may go anywhere`(_ kind: LoopDisk.Kind, _ scenario: CrashScenario) throws {
        let disk = try PowerCutDisk(kind)
        let url = disk.mountpoint.appendingPathComponent("work")
        let prepared = try scenario.prepare(CrashFolder(making: url))
        try disk.keepAsTemplate()
        func fresh() throws -> CrashFolder {
            try disk.reset()
            return CrashFolder(url)
        }
        let (total, points) = try CrashTests.points(scenario.command, atMost: Self.shortCount, fresh: fresh)
        var cuts = 0
        // After the last point the command ends by itself: all that it said must have been true.
        for point in points + [total + 1] {
            let folder = try fresh()
            let ended = try folder.run(scenario.command, crashAt: point)
            #expect(ended.code == (point > total ? 0 : -9), "\(scenario.name) at point \(point): \(ended.errors)")
            try disk.cutPower(Self.losses) { loss in
                cuts += 1
                let place = "\(scenario.name), \(kind), power cut at point \(point) of \(total), lost: \(loss)"
                try scenario.inspect(folder, prepared, ended, place)
            }
        }
        print("\(scenario.name), \(kind): power cut at \(points.count) of \(total) points and at the end, \(cuts) cuts")
        #expect(cuts > 2)
    }
}
