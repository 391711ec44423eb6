import Foundation
import TestSupport
import Testing

/// Backups on disks that can reflink, on those that cannot, and on those that fill.
@Suite(.serialized) struct BackupDiskTests {
    private static let size = 8_000_000
    private static let sharingKinds = LoopDisk.kinds.filter { [.xfs, .btrfs].contains($0) }

    private func object(_ outcome: Program.Outcome) throws -> [String: Any] {
        try #require(try outcome.json() as? [String: Any])
    }

    /// A store on a disk, with a content of eight megabytes.
    private func store(on disk: LoopDisk) throws -> (CrashFolder, hash: String) {
        let folder = try CrashFolder(making: disk.mountpoint.appendingPathComponent("work"))
        try folder.write("in/large", noise(Self.size, seed: 1))
        let hash = try folder.put("in")[0]
        try folder.remove("in")
        return (folder, hash)
    }

    @Test(
        .enabled(if: !sharingKinds.isEmpty, "SKIPPED: no disk that can reflink was tried, \(LoopDisk.obstacle)"),
        arguments: sharingKinds)
    func `a disk that can reflink holds the bytes once, and each file is its own`(_ kind: LoopDisk.Kind) throws {
        let disk = try LoopDisk(kind)
        let (folder, hash) = try store(on: disk)
        let before = try disk.used()
        let report = try object(folder.expect(["backup", "dest", "--verify", "--json"]))
        #expect(report["shared_bytes"] as? Int == Self.size + 28)
        #expect(try #require(report["written_bytes"] as? Int) < 1_000_000)
        #expect(try disk.used() - before < Self.size / 2)
        try folder.expect(["restore", "dest", "--data-root", "other"])
        #expect(try disk.used() - before < Self.size / 2)
        // A byte that the store loses is not lost in the backup.
        let damage = "printf x | dd of=root/blobs/\(hash).enc bs=1 seek=4000000 conv=notrunc status=none"
        #expect(try Program.shell(damage, in: folder.url).code == 0)
        #expect(try folder.run(["verify"] + CrashFolder.unlocking).code == 65)
        try folder.expect(["verify", "--repair", "--from", "dest"] + CrashFolder.unlocking)
        try folder.checkOther("other", [hash], "\(kind)")
    }

    @Test(
        .enabled(
            if: LoopDisk.kinds.contains(.ext4), "SKIPPED: no disk without reflinks was tried, \(LoopDisk.obstacle)"))
    func `a disk that cannot has two files, or one where that was asked for`() throws {
        let disk = try LoopDisk(.ext4)
        let (folder, hash) = try store(on: disk)
        let copied = try object(folder.expect(["backup", "copied", "--json"]))
        #expect(copied["shared_bytes"] as? Int == 0)
        let linked = try object(folder.expect(["backup", "linked", "--hard-links", "--verify", "--json"]))
        #expect(linked["shared_bytes"] as? Int == Self.size + 28)
        func inode(_ path: String) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: folder.path(path))[.systemFileNumber] as? Int
        }
        let own = try inode("root/blobs/\(hash).enc")
        #expect(try inode("linked/blobs/\(hash).enc") == own)
        #expect(try inode("copied/blobs/\(hash).enc") != own)
        // What the store removes stays in the backup.
        try folder.remove("root")
        try folder.expect(["restore", "linked"])
        try folder.check([hash], "restored")
        #expect(try inode("root/blobs/\(hash).enc") != inode("linked/blobs/\(hash).enc"))
        // To another disk there is no link.
        let elsewhere = try TemporaryFolder()
        let far = try object(folder.expect(["backup", elsewhere.path("dest"), "--hard-links", "--verify", "--json"]))
        #expect(far["shared_bytes"] as? Int == 0)
    }

    @Test func `a byte lost by a hard-linked backup is noticed there`() throws {
        let work = try Workspace()
        try work.write("a", noise(100_000, seed: 1))
        let hash = String(try work.put(["a"]).text.prefix(64))
        try work.expect(0, ["backup", "dest", "--hard-links"])
        let damage = "printf x | dd of=\(work.sealedFile(hash).path) bs=1 seek=50000 conv=notrunc status=none"
        #expect(try Program.shell(damage).code == 0)
        let verified = try work.expect(65, ["backup", "dest", "--verify"])
        #expect(verified.errors.contains("is damaged"), "\(verified.errors)")
        try work.expect(65, ["restore", "dest"])
        try work.expect(64, ["backup", "--hard-links", "--to", "host:dest"])
    }

    @Test(.enabled(if: LoopDisk.kinds.contains(.ext4), "SKIPPED: no disk was filled, \(LoopDisk.obstacle)"))
    func `a disk that fills is said to be full, and with room the backup goes on`() throws {
        let disk = try LoopDisk(.ext4)
        let work = try Workspace()
        for number in 0..<4 { try work.write("in/\(number)", noise(3_000_000, seed: UInt64(number))) }
        try work.put(["in"], options: ["-r"])
        let dest = disk.mountpoint.appendingPathComponent("dest").path
        // Room for two of the four.
        try disk.shell("fallocate -l $(( $(df --output=avail -B1 disk | tail -1) - 7000000 )) disk/filler")
        let full = try work.expect(74, ["backup", dest])
        #expect(full.errors.contains("make room and try again"), "\(full.errors)")
        #expect(try work.expect(0, ["backup", "list", dest, "--json"]).json() as? [String] == [])
        try disk.shell("rm disk/filler")
        let report = try object(work.expect(0, ["backup", dest, "--verify", "--json"]))
        #expect(report["blobs"] as? Int == 4)
        try work.expect(0, ["verify"] + work.unlocking)
        // A restoration onto a full disk leaves nothing.
        try disk.shell("fallocate -l $(( $(df --output=avail -B1 disk | tail -1) - 7000000 )) disk/filler")
        let root = disk.mountpoint.appendingPathComponent("root").path
        let stopped = try work.expect(74, ["restore", dest, "--data-root", root])
        #expect(stopped.errors.contains("make room and try again"), "\(stopped.errors)")
        let names = try FileManager.default.contentsOfDirectory(atPath: disk.mountpoint.path).sorted()
        #expect(names == ["dest", "filler", "lost+found"])
    }
}
