import Foundation
import TestSupport
import Testing

/// What a person types for a backup, and mistypes.
@Suite(.serialized) struct BackupCommandTests {
    private func filled() throws -> Workspace {
        let work = try Workspace()
        try work.write("a", noise(10_000, seed: 1))
        try work.put(["a"])
        return work
    }

    private func names(_ work: Workspace) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: work.folder.path).sorted()
    }

    @Test func `a place on another machine without its option makes no directory here`() throws {
        let work = try filled()
        let before = try names(work)
        for place in ["ada@vault:backups/osnova", "vault:x", "ssh://vault/x"] {
            for command in [["backup"], ["backup", "list"], ["backup", "verify"]] {
                #expect(try work.expect(64, command + [place]).errors.contains("--to \(place)"))
            }
            #expect(try work.expect(64, ["restore", place, "--data-root", "new"]).errors.contains("--from \(place)"))
            let repair = ["verify", "--repair", "--from", place] + work.unlocking
            #expect(try work.expect(64, repair).errors.contains("takes a directory here"))
        }
        #expect(try names(work) == before)
        try work.expect(0, ["backup", "./vault:x"])
        try work.expect(0, ["restore", "./vault:x", "--data-root", "new"])
    }

    @Test func `a place that is none is told how one is written`() throws {
        let work = try filled()
        for place in ["vault:", "ssh://vault", "vault::module", "vault:~bob/x"] {
            for arguments in [
                ["backup", "--to", place], ["backup", "list", "--to", place], ["restore", "--from", place],
            ] {
                let errors = try work.expect(64, arguments).errors
                #expect(errors.contains("host:path") || errors.contains("whole path"), "\(place): \(errors)")
            }
        }
    }

    @Test func `a run that was killed leaves a list of what it copied`() throws {
        let work = try Workspace()
        for number in 0..<300 { try work.write("in/\(number)", Data("content \(number)".utf8)) }
        try work.put(["in"], options: ["-r"])
        // What has no row is copied last.
        try noise(5_000_000, seed: 1).write(to: work.sealedFile(String(repeating: "a", count: 64)))
        // Nothing larger than 4 MiB can be written: a signal ends the program.
        let limited = "ulimit -f 4096; exec '\(Program.path)' backup dest --data-root root"
        #expect(try Program.run("/bin/bash", ["-c", limited], in: work.folder).code != 0)
        let generations = try FileManager.default.contentsOfDirectory(atPath: work.folder.path + "/dest/generations")
        #expect(generations.isEmpty)
        let check = "cat checksums/* | wc -l; sha256sum --quiet -c checksums/*"
        let dest = work.folder.appendingPathComponent("dest")
        #expect(try Program.shell(check, in: dest).text == "256\n")
        try work.expect(0, ["backup", "dest"])
        #expect(try Program.shell(check, in: dest).text == "301\n")
        try work.expect(0, ["backup", "verify", "dest"])
    }

    @Test func `backup verify reads back and makes no generation`() throws {
        let work = try filled()
        try work.expect(64, ["backup", "verify"])
        try work.expect(66, ["backup", "verify", "dest"])
        #expect(try !names(work).contains("verify"))
        let made = try work.expect(0, ["backup", "dest", "--json"]).json() as? [String: Any]
        let generation = try #require(made?["generation"] as? String)
        #expect(try work.expect(0, ["backup", "verify", "dest"]).text.hasPrefix("\(generation): "))
        try work.expect(0, ["backup", "verify", "dest", "--generation", generation])
        try work.expect(66, ["backup", "verify", "dest", "--generation", "20200101T000000Z"])
        try work.expect(66, ["backup", "verify", "dest", "--generation", "../generations/\(generation)"])
        let damage = "for f in dest/blobs/*; do printf x | dd of=$f bs=1 seek=1000 conv=notrunc status=none; done"
        #expect(try Program.shell(damage, in: work.folder).code == 0)
        let document = try work.expect(65, ["backup", "verify", "dest", "--json"]).json() as? [String: Any]
        #expect((document?["damaged"] as? [String])?.count == 1)
        let listed = try work.expect(0, ["backup", "list", "dest", "--json"]).json() as? [Any]
        #expect(listed?.count == 1)
    }

    @Test func `a damaged generation is listed as such`() throws {
        let work = try filled()
        try work.expect(0, ["backup", "dest"])
        #expect(try Program.shell("truncate -s -9 dest/generations/*.json", in: work.folder).code == 0)
        #expect(try work.expect(65, ["backup", "list", "dest"]).text.contains("damaged"))
        let listed = try work.expect(65, ["backup", "list", "dest", "--json"]).json() as? [[String: Any]]
        #expect(listed?.first?["damage"] is String && listed?.first?["blobs"] == nil)
        #expect(try work.expect(0, ["backup", "dest"]).errors.contains("warning: "))
    }

    @Test func `a damaged generation on another machine is told of by its place there`() throws {
        let work = try filled()
        let far = try FarSide()
        let place = far.place(far.folder.path("dest"))
        let environment = ["RSYNC_RSH": far.shell]
        try work.expect(0, ["backup", "--to", place], environment: environment)
        #expect(try Program.shell("truncate -s -9 dest/generations/*.json", in: far.folder.url).code == 0)
        let listed = try work.expect(65, ["backup", "list", "--to", place], environment: environment)
        #expect(listed.errors.contains("\(place)/generations/"), "\(listed.errors)")
        try work.expect(65, ["restore", "--from", place, "--data-root", "new"], environment: environment)
        let next = try work.expect(0, ["backup", "--to", place], environment: environment)
        #expect(next.errors.contains("warning: \(place)/generations/"), "\(next.errors)")
        try work.expect(0, ["restore", "--from", place, "--data-root", "new"], environment: environment)
    }

    @Test func `a stream that was packed again may hold hidden files, but no folder around the backup`() throws {
        let work = try filled()
        try work.expect(0, ["backup", "bk"])
        for file in ["bk/.incoming-x", "bk/blobs/.incoming-y", "bk/files/.DS_Store"] { try work.write(file, Data([1])) }
        let pack = "tar -C bk -cf whole.tar . && tar -cf prefixed.tar bk"
        #expect(try Program.shell(pack, in: work.folder).code == 0)
        try work.expect(0, ["restore", "whole.tar", "--data-root", "new"])
        try work.expect(0, ["verify", "--data-root", "new"] + work.unlocking)
        #expect(try work.expect(65, ["restore", "prefixed.tar"]).errors.contains("tar -C bk"))
    }

    @Test func `home is no directory called ~`() throws {
        let work = try filled()
        let far = try FarSide()
        let home = far.folder.path("home")
        // A script that begins in the home, as sshd does.
        let shell = try far.script(
            "in-home",
            "while [ \"${1#-}\" != \"$1\" ]; do shift; done; shift\nmkdir -p \(home); cd \(home); exec sh -c \"$*\"")
        let environment = ["RSYNC_RSH": shell]
        try work.expect(0, ["backup", "--to", "vault:~/backups/one"], environment: environment)
        #expect(FileManager.default.fileExists(atPath: "\(home)/backups/one/osnova-backup.json"))
        #expect(!FileManager.default.fileExists(atPath: "\(home)/~"))
        try work.expect(0, ["backup", "list", "--to", "vault:backups/one"], environment: environment)
    }

    @Test func `a far run that was cut off before its mark goes on, other people's files are refused`() throws {
        let work = try filled()
        let far = try FarSide()
        let place = far.place(far.folder.path("dest"))
        let rests =
            "mkdir -p dest/blobs/.partial dest/files; touch dest/.osnova-backup.json.aB3xYz dest/blobs/.partial/x"
        #expect(try Program.shell(rests, in: far.folder.url).code == 0)
        let environment = ["RSYNC_RSH": far.shell]
        try work.expect(0, ["backup", "--to", place], environment: environment)
        try work.expect(0, ["backup", "verify", far.folder.path("dest")])
        try far.folder.write("file", Data())
        #expect(try Program.shell("mkdir -p mine/files; touch mine/files/thesis.txt", in: far.folder.url).code == 0)
        try work.expect(73, ["backup", "--to", far.place(far.folder.path("mine"))], environment: environment)
    }

    @Test(.enabled(if: LoopDisk.kinds.contains(.ext4), "SKIPPED: no disk was filled, \(LoopDisk.obstacle)"))
    func `a full disk can be pruned`() throws {
        let disk = try LoopDisk(.ext4)
        let work = try Workspace()
        let dest = disk.mountpoint.appendingPathComponent("dest").path
        for number in 0..<3 {
            try work.write("a", noise(3_000_000, seed: UInt64(number)))
            try work.put(["a"])
            try work.expect(0, ["gc", "--grace", "0"])
            try work.expect(0, ["backup", dest])
        }
        // To the last block: an allocation that is put off takes what the first pass could not.
        let filling = ["1M", "4k"].map {
            "dd if=/dev/zero of=disk/filler-\($0) bs=\($0) status=none 2>&1 || sync -f disk"
        }
        try disk.shell(filling.joined(separator: "; "))
        try work.expect(74, ["backup", dest])
        try work.expect(0, ["backup", "prune", dest, "--keep-last", "1"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(dest)/blobs").count == 1)
        try work.expect(0, ["backup", "verify", dest])
    }
}
