import Foundation
import TestSupport
import Testing

/// What a parent may hand down: streams that are closed or full, signals that are ignored.
struct InheritedStateTests {
    private func shell(_ arguments: String, _ redirections: String, in work: Workspace) throws -> Program.Outcome {
        try Program.shell(
            "timeout 20 \(Program.path) \(arguments) --data-root root \(redirections)", in: work.folder)
    }

    @Test func `a phrase that cannot be shown seals nothing`() throws {
        let work = try Workspace()
        try work.write("f", Data("content".utf8))
        let hash = String(try work.put(["f"]).text.prefix(64))
        let old = "--phrase-file \(work.phraseFile.path)"
        for stream in ["2>/dev/full", "2>&-"] {
            #expect(try shell("rekey \(old)", stream, in: work).code == 74)
            try work.expect(0, ["cat", hash] + work.unlocking)
            let fresh = try Program.shell("\(Program.path) init --data-root fresh \(stream)", in: work.folder)
            #expect(fresh.code == 74)
            #expect(!FileManager.default.fileExists(atPath: work.folder.path + "/fresh"))
        }
    }

    @Test func `closed streams fail, and nothing takes their place`() throws {
        let work = try Workspace()
        try work.write("f", Data("content".utf8))
        let hash = String(try work.put(["f"]).text.prefix(64))
        let unlocking = "--phrase-file \(work.phraseFile.path)"
        #expect(try shell("put - \(unlocking)", "<&-", in: work).code == 74)
        #expect(try shell("restore -", "--force <&-", in: work).code == 74)
        #expect(try shell("cat \(hash) \(unlocking)", ">&-", in: work).code == 74)
        #expect(try shell("backup -", "<&- >&-", in: work).code == 74)
        try work.expect(0, ["verify"] + work.unlocking)
    }

    @Test(.enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
    func `a mount needs no stream`() throws {
        let work = try Workspace()
        let content = try work.write("f", noise(1000, seed: 1))
        try work.put(["f"])
        let unlocking = "--phrase-file \(work.phraseFile.path)"
        #expect(try shell("mount \(work.mountpoint.path) \(unlocking)", "<&- >&- 2>&-", in: work).code == 0)
        #expect(try Data(contentsOf: work.mounted("files/f")) == content)
    }

    /// Nobody was told, and so nothing stays, least of all a mount whose driver is gone.
    @Test(
        .enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"),
        arguments: ["", "--foreground"])
    func `a mount that cannot be told of is taken away`(option: String) throws {
        let work = try Workspace()
        let mount = "mount \(work.mountpoint.path) --json \(option) --phrase-file \(work.phraseFile.path)"
        let told = try shell(mount, "> /dev/full", in: work)
        #expect(told.code == 74 && told.errors.contains("standard output: No space left"), "\(told.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: work.mountpoint.path).isEmpty)
        #expect(try Program.shell("findmnt \(work.mountpoint.path)").code != 0)
    }

    @Test(
        .enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"),
        arguments: ["", "--foreground"])
    func `so is one whose reader is gone`(option: String) throws {
        let work = try Workspace()
        // The reader has ended before the program begins.
        let line = """
            exec 3> >(exec true); wait $!
            timeout 20 '\(Program.path)' mount mnt --json \(option) --data-root root --phrase-file phrase >&3
            """
        let told = try Program.shell(line, in: work.folder)
        #expect(told.code == 74 && told.errors == "", "\(told.code) \(told.errors)")
        #expect(try Program.shell("findmnt \(work.mountpoint.path)").code != 0)
    }

    @Test func `children are waited for by who was started with their end ignored`() throws {
        let work = try Workspace()
        func ignoring(_ arguments: String) throws -> Int32 {
            try Program.shell(
                "trap '' CHLD; exec \(Program.path) \(arguments) --data-root root", in: work.folder
            ).code
        }
        #expect(try ignoring("backup --to-command 'cat >/dev/null; exit 3'") == 74)
        #expect(try ignoring("backup --to-command 'cat >stream'") == 0)
        #expect(try ignoring("restore --force --from-command 'cat stream; exit 9'") == 74)
    }

    @Test func `an init that fails leaves no phrase that opens nothing`() throws {
        let work = try Workspace(initialize: false)
        let root = ["--data-root", "/dev/null/root"]
        try work.expect(73, ["init", "--phrase-out", "new"] + root)
        #expect(!FileManager.default.fileExists(atPath: work.folder.appendingPathComponent("new").path))
        let shown = try Program.run(Program.path, ["init"] + root)
        #expect(shown.code == 73 && shown.errors.contains("the phrase above opens nothing"), "\(shown.errors)")
        #expect(try !work.expect(73, ["init"] + root + work.unlocking).errors.contains("above"))
        #expect(FileManager.default.fileExists(atPath: work.phraseFile.path))
    }

    @Test func `of two inits at once one makes the store, and no phrase of the other is left`() throws {
        let work = try Workspace(initialize: false)
        let line = """
            for n in 1 2; do '\(Program.path)' init --data-root root --phrase-out p$n 2>/dev/null & done; wait
            for p in p[12]; do '\(Program.path)' unlock --data-root root --phrase-file $p; done
            """
        let opened = try Program.shell(line, in: work.folder)
        #expect(opened.code == 0 && opened.lines.filter { $0.hasPrefix("this opens") }.count == 1, "\(opened.errors)")
    }

    @Test(.enabled(if: getuid() == 0, "SKIPPED: no small disk was tested, it needs root"))
    func `an init that fails leaves nothing in the way of the next one`() throws {
        let work = try Workspace(initialize: false)
        let place = work.folder.path + "/small"
        let lines = "mkdir small && mount -t tmpfs -o size=100k tmpfs small"
        try #require(try Program.shell(lines, in: work.folder).code == 0)
        defer { _ = try? Program.shell("umount -l \(place)") }
        try work.expect(74, ["init", "--data-root", "small/root"] + work.unlocking)
        #expect(try Program.shell("ls -A small", in: work.folder).text == "")
        try Program.shell("mount -o remount,size=8m small", in: work.folder)
        try work.expect(0, ["init", "--data-root", "small/root"] + work.unlocking)
        #expect(try Program.shell("ls -A small/root | grep making", in: work.folder).text == "")
    }
}
