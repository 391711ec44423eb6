import Foundation
import TestSupport
import Testing

/// A database that another program takes away, replaces or locks under a mount.
@Suite(.serialized, .enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
struct LostDatabaseTests {
    private func makeMounted() throws -> Workspace {
        let work = try Workspace()
        for index in 0..<3 { try work.write("f\(index)", noise(50_000, seed: UInt64(index))) }
        try work.put(["f0", "f1", "f2"])
        try work.mount()
        #expect(try Data(contentsOf: work.mounted("files/f0")) == noise(50_000, seed: 0))
        return work
    }

    /// What programs get: the text of the error, empty for none.
    private func complaint(_ command: String, _ work: Workspace) throws -> String {
        try Program.shell("\(command) > out", in: work.folder).errors
    }

    @Test(arguments: [
        ("mv root/osnova.db away", "mv away root/osnova.db"),
        ("cp root/osnova.db other; mv root/osnova.db away; mv other root/osnova.db", "mv away root/osnova.db"),
        ("mv root elsewhere", "mv elsewhere root"),
    ])
    func `while the database is not the one of the mount, nothing is shown, and all of it afterwards`(
        loss: String, return back: String
    ) throws {
        let work = try makeMounted()
        // A thread that opens the database only now fails before the mount has noticed anything.
        let commands = [
            "ls mnt", "ls mnt/blobs", "ls -l mnt/files", "cat mnt/files/f1", "cat mnt/osnova.db", "stat mnt/files/none",
        ]
        try Program.shell(loss, in: work.folder)
        #expect(
            eventually { try commands.allSatisfy { try complaint($0, work).contains("Input/output error") } })
        try Program.shell(back, in: work.folder)
        #expect(eventually { try complaint("ls mnt/blobs && ls -l mnt/files", work).isEmpty })
        #expect(try Data(contentsOf: work.mounted("files/f1")) == noise(50_000, seed: 1))
        try work.write("new", Data("new".utf8))
        try work.put(["new"])
        #expect(eventually { try Data(contentsOf: work.mounted("files/new")) == Data("new".utf8) })
        let log = work.root.appendingPathComponent("logs/osnova.log")
        #expect(eventually { try String(contentsOf: log, encoding: .utf8).contains("back in its place") })
    }

    @Test func `a program that locks the database stops writers, not the mount`() throws {
        let work = try makeMounted()
        let locker = Process()
        let (input, output) = (Pipe(), Pipe())
        locker.executableURL = URL(fileURLWithPath: "/usr/bin/sqlite3")
        locker.arguments = [work.root.appendingPathComponent("osnova.db").path]
        locker.standardInput = input
        locker.standardOutput = output
        try locker.run()
        defer { locker.terminate() }
        try input.fileHandleForWriting.write(contentsOf: Data("BEGIN EXCLUSIVE; SELECT 'locked';\n".utf8))
        #expect(try output.fileHandleForReading.read(upToCount: 7) == Data("locked\n".utf8))
        #expect(try Data(contentsOf: work.mounted("files/f2")) == noise(50_000, seed: 2))
        #expect(try complaint("ls -lR mnt && cat mnt/osnova.db", work).isEmpty)
        try work.write("new", Data("new".utf8))
        let refused = try work.expect(75, ["put", "new"] + work.unlocking)
        #expect(refused.errors.contains("locked") || refused.errors.contains("busy"), "\(refused.errors)")
        try input.fileHandleForWriting.write(contentsOf: Data("ROLLBACK;\n".utf8))
        try input.fileHandleForWriting.close()
        locker.waitUntilExit()
        try work.put(["new"])
        #expect(eventually { try Data(contentsOf: work.mounted("files/new")) == Data("new".utf8) })
    }
}
