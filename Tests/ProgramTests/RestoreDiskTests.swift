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

    private static let strace = "/usr/bin/strace"

    /// Restores `dest` while a system call fails.
    private func restore(_ work: Workspace, failing call: String, with error: String) throws -> Program.Outcome {
        let fault = ["-f", "-qq", "-o", "/dev/null", "-P", work.folder.path, "-e", "inject=\(call):error=\(error)"]
        return try Program.run(
            Self.strace, fault + [Program.path, "restore", "dest"], in: work.folder,
            environment: ["OSNOVA_DATA_ROOT": work.root.path])
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: strace), "SKIPPED: strace is missing"))
    func `a disk that cannot exchange directories is told of, and what to do helps`() throws {
        let work = try Workspace()
        try work.write("a", noise(3000, seed: 1))
        try work.put(["a"])
        try work.expect(0, ["backup", "dest"])
        // It knows no flags of a rename at all.
        let refused = try restore(work, failing: "renameat2", with: "EINVAL")
        #expect(refused.code == 73 && refused.errors.contains("give that one another name"), "\(refused.errors)")
        try FileManager.default.moveItem(atPath: work.root.path, toPath: work.root.path + "-old")
        let restored = try restore(work, failing: "renameat2", with: "EINVAL")
        #expect(restored.code == 0, "\(restored.errors)")
        try work.expect(0, ["verify"] + work.unlocking)
        let names = try FileManager.default.contentsOfDirectory(atPath: work.folder.path)
        #expect(names.filter { $0.hasPrefix("root") }.sorted() == ["root", "root-old"])
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: strace), "SKIPPED: strace is missing"))
    func `a restoration that a power cut may undo says so`() throws {
        let work = try Workspace()
        try work.expect(0, ["backup", "dest"])
        let outcome = try restore(work, failing: "fsync", with: "EIO")
        #expect(outcome.code == 74 && outcome.errors.contains("is restored, but"), "\(outcome.errors)")
        try work.expect(0, ["verify"] + work.unlocking)
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
