import Foundation
import TestSupport
import Testing

/// What a command leaves behind where it was stopped or refused.
@Suite(.serialized) struct InterruptionTests {
    /// Starts the program, sends it a signal when a path is there, and returns how it ended, as a shell tells.
    private func end(
        _ work: Workspace, _ arguments: String, when path: String, by signal: String, with variables: String = ""
    ) throws -> String {
        let line = """
            \(variables) OSNOVA_DATA_ROOT='\(work.root.path)' '\(Program.path)' \(arguments) >/dev/null 2>&1 & id=$!
            until compgen -G '\(path)' >/dev/null || ! kill -0 $id; do sleep 0.02; done
            kill -\(signal) $id; wait $id; echo $?
            """
        return try Program.shell(line, in: work.folder).text
    }

    private func names(_ folder: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path)
    }

    @Test(arguments: [("INT", "130\n"), ("TERM", "143\n")])
    func `a restoration that is stopped leaves nothing`(signal: String, status: String) throws {
        let work = try Workspace()
        // It waits for a stream that does not come.
        let ended = try end(
            work, "restore --from-command 'sleep 3' --data-root new", when: "new.fetching-*", by: signal)
        #expect(ended == status)
        #expect(try names(work.folder).filter { $0.hasPrefix("new") } == [])
    }

    @Test func `a backup that is stopped leaves nothing in the data root`() throws {
        let work = try Workspace()
        try work.write("a", noise(3_000_000, seed: 1))
        try work.put(["a"])
        let ended = try end(work, "backup --to-command 'sleep 3'", when: "root/.backing-up-*", by: "TERM")
        #expect(ended == "143\n")
        #expect(try names(work.root).filter { $0.hasPrefix(".backing-up-") } == [])
    }

    @Test(
        .enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"),
        arguments: [("TERM", "143\n"), ("HUP", "129\n")])
    func `a doctor that is stopped leaves no mount`(signal: String, status: String) throws {
        let work = try Workspace()
        for index in 0..<300 { try work.write("many/\(index)/f", Data("\(index)".utf8)) }
        try work.put(["many"], options: ["-r"])
        try Program.shell("mkdir places", in: work.folder)
        let ended = try end(
            work, "doctor --phrase-file phrase", when: "places/osnovafs-doctor-*/blobs", by: signal,
            with: "env --default-signal=\(signal) TMPDIR=$PWD/places")
        #expect(ended == status)
        #expect(try Program.shell("findmnt --output TARGET | grep '\(work.folder.path)'").text == "")
        #expect(try names(work.folder.appendingPathComponent("places")) == [])
    }

    @Test(.enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
    func `a doctor is not stopped by a signal that it was told to ignore`() throws {
        let work = try Workspace()
        for index in 0..<300 { try work.write("many/\(index)/f", Data("\(index)".utf8)) }
        try work.put(["many"], options: ["-r"])
        try Program.shell("mkdir places", in: work.folder)
        let ended = try end(
            work, "doctor --phrase-file phrase", when: "places/osnovafs-doctor-*/blobs", by: "HUP",
            with: "env --ignore-signal=HUP TMPDIR=$PWD/places")
        #expect(ended == "0\n")
    }

    /// Of a content that is far from written when a signal comes.
    private func large(_ work: Workspace) throws -> String {
        try Program.shell("head -c 100000000 /dev/zero > large", in: work.folder)
        return String(try work.put(["large"]).text.prefix(64))
    }

    @Test func `a get that is killed leaves nothing`() throws {
        let work = try Workspace()
        let hash = try large(work)
        // The limit of a file's size kills it in the middle.
        let line = """
            mkdir out; ulimit -c 0 -f 50000; OSNOVA_DATA_ROOT='\(work.root.path)' '\(Program.path)' get \(hash) -o out/f \
            --phrase-file phrase
            """
        #expect(try Program.shell(line, in: work.folder).code != 0)
        #expect(try names(work.folder.appendingPathComponent("out")) == [])
    }

    @Test(
        .enabled(if: LoopDisk.kinds.contains(.btrfs), "SKIPPED: \(LoopDisk.obstacle)"),
        arguments: [("INT", "130\n"), ("TERM", "143\n"), ("HUP", "129\n")])
    func `a get that is stopped leaves nothing on a disk where files need a name`(signal: String, status: String) throws
    {
        let work = try Workspace()
        let hash = try large(work)
        let disk = try LoopDisk(.btrfs)
        let out = disk.mountpoint.path
        let ended = try end(
            work, "get \(hash) -o \(out)/f --phrase-file phrase", when: "\(out)/.osnovafs-*", by: signal)
        #expect(ended == status)
        #expect(try names(disk.mountpoint) == [])
    }

    @Test(.enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
    func `an import with another store's phrase leaves nothing`() throws {
        let work = try Workspace()
        try work.write("a", noise(3000, seed: 1))
        try work.put(["a"])
        try work.mount()
        #expect(try Program.shell("cp -a mnt view", in: work.folder).code == 0)
        try work.write("other", Data(Workspace.otherWords.utf8))
        try work.expect(77, ["import", "view", "--phrase-file", "other", "--data-root", "new"])
        #expect(try !names(work.folder).contains("new"))
        try work.expect(0, ["import", "view", "--data-root", "new"] + work.unlocking)
    }
}
