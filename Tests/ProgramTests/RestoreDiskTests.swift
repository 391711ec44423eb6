import Foundation
import TestSupport
import Testing

/// Restorations onto mount points.
@Suite(.serialized) struct RestoreDiskTests {
    @Test(.enabled(if: LoopDisk.kinds.contains(.ext4), "SKIPPED: no disk was mounted, \(LoopDisk.obstacle)"))
    func `a mount point is refused before anything is copied, and a folder on it is not`() throws {
        let disk = try LoopDisk(.ext4)
        let work = try Workspace()
        try work.write("a", noise(3000, seed: 1))
        try work.put(["a"])
        try work.expect(0, ["backup", "dest"])
        try disk.shell("rmdir disk/lost+found")
        let refused = try work.expect(73, ["restore", "dest", "--data-root", disk.mountpoint.path])
        #expect(refused.errors.contains("is where a disk is mounted"), "\(refused.errors)")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: disk.folder.url.path).sorted() == ["disk", "image"])
        try work.expect(0, ["restore", "dest", "--data-root", disk.mountpoint.appendingPathComponent("root").path])
    }

    @Test(.enabled(if: LoopDisk.kinds.contains(.ext4), "SKIPPED: nothing was mounted, \(LoopDisk.obstacle)"))
    func `where the last step fails, no folder is left`() throws {
        let work = try Workspace()
        try work.write("a", noise(3000, seed: 1))
        try work.put(["a"])
        try work.expect(0, ["backup", "dest"])
        // A mount point of the same disk.
        let target = work.folder.appendingPathComponent("target")
        try FileManager.default.createDirectory(at: target, withIntermediateDirectories: false)
        #expect(try Program.shell("mount --bind '\(target.path)' '\(target.path)'").code == 0)
        defer { _ = try? Program.shell("umount --lazy '\(target.path)'") }
        try work.expect(73, ["restore", "dest", "--data-root", target.path])
        let names = try FileManager.default.contentsOfDirectory(atPath: work.folder.path)
        #expect(names.filter { $0.hasPrefix("target") } == ["target"])
    }
}
