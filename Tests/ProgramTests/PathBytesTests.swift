import Foundation
import TestSupport
import Testing

/// Paths that are no UTF-8: kept byte for byte, or refused, and never taken for another path.
@Suite struct PathBytesTests {
    private func shell(_ line: String, _ work: Workspace) throws -> Program.Outcome {
        try Program.shell("run() { '\(Program.path)' \"$@\"; }; name=$'n\\xff'; \(line)", in: work.folder)
    }

    @Test func `get writes to a path of whatever bytes`() throws {
        let work = try Workspace()
        try work.write("f", Data("content".utf8))
        let hash = String(try work.put(["f"]).text.prefix(64))
        let line = """
            mkdir out out/$name; run get \(hash) --data-root root --phrase-file phrase -o out/$name/$name
            cat out/$name/$name; ls -A out | wc -l; ls -A out/$name | wc -l
            """
        #expect(try shell(line, work).text == "content1\n1\n")
    }

    @Test(arguments: [
        "list --data-root sub/$name", "backup $name", "backup --to ./$name", "restore $name",
        "restore --from ./$name", "import $name --phrase-file phrase", "backup list $name",
        "mount $name --phrase-file phrase", "unmount $name", "verify --repair --from $name --phrase-file phrase",
    ])
    func `a command that takes text alone refuses it`(command: String) throws {
        let work = try Workspace()
        let line = "export OSNOVA_DATA_ROOT=$PWD/root; mkdir $name; run \(command); code=$?; ls -A; exit $code"
        let told = try shell(line, work)
        #expect(told.code == 64)
        #expect(told.errors.split(separator: "\n").count == 1 && told.errors.contains("not UTF-8"), "\(told.errors)")
        // Nothing was made in its stead.
        #expect(told.lines.filter { $0.hasPrefix("n") }.count == 1)
    }

    @Test(arguments: [
        "pref set $name 1", "pref set k '\"'$name'\"'", "message add hi --sender s --channel $name", "search $name",
        "cache put $name phrase --phrase-file phrase", "component show $name", "snapshot create $name",
        "mount -o fsname=$name mnt --phrase-file phrase", "backup --to host:$name",
        "backup --to-command \"cat >$name\"", "restore --from-command \"cat $name\"",
    ])
    func `text that is not UTF-8 is not taken for other text`(command: String) throws {
        let work = try Workspace()
        let told = try shell("export OSNOVA_DATA_ROOT=$PWD/root; run \(command); code=$?; ls -A; exit $code", work)
        #expect(told.code == 64)
        #expect(told.errors.contains("not UTF-8") && told.errors.contains("n%ff"), "\(told.errors)")
        #expect(!told.lines.contains { $0.hasPrefix("n") })
    }

    /// U+10FF80, by which the byte 0x80 travels in the program.
    @Test func `a private character is itself`() throws {
        let work = try Workspace()
        let name = "n\u{10FF80}"
        try work.write(name, Data("x".utf8))
        #expect(try work.put([name]).text.hasSuffix("  \(name)\n"))
        #expect(try work.expect(0, ["file", "show", name]).text.hasSuffix(" \(name)\n"))
        try work.expect(0, ["pref", "set", name, "1"])
        #expect(try work.sqlite("SELECT hex(key) FROM user_preferences") == "6EF48FBE80")
        // Beside it slashes are what they are everywhere.
        try work.expect(0, ["cache", "put", "ant://" + name, name] + work.unlocking)
        #expect(try work.sqlite("SELECT autonomi_address FROM autonomi_cache") == "ant://" + name)
        try work.write("password", Data("p".utf8))
        try work.expect(
            0, ["password", "reset", "--user", name, "--new-password-file", "password"] + work.unlocking)
        try work.expect(0, ["rekey", "--vault", "\(name)=password", "--phrase-out", "new"] + work.unlocking)
    }

    @Test func `so it is in a place on another machine`() throws {
        let work = try Workspace()
        let far = try FarSide()
        let place = far.folder.path("n\u{10FF80}")
        try work.expect(0, ["backup", "--to", far.place(place)], environment: ["RSYNC_RSH": far.shell])
        #expect(FileManager.default.fileExists(atPath: place))
    }

    @Test(.enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
    func `so it is in the options of a mount`() throws {
        let work = try Workspace()
        try work.mount(["-o", "fsname=n\u{10FF80}"])
        let source = try Program.shell("grep ' \(work.mountpoint.path) ' /proc/self/mounts", in: work.folder).text
        #expect(source.hasPrefix("n\u{10FF80} "), "\(source)")
    }

    @Test func `a slash at the end of such a path is seen`() throws {
        let work = try Workspace()
        try work.write("f", Data("content".utf8))
        let hash = String(try work.put(["f"]).text.prefix(64))
        let line = "run get \(hash) --data-root root --phrase-file phrase -o $name/; code=$?; ls -A; exit $code"
        let told = try shell(line, work)
        #expect(told.code == 73 && !told.lines.contains { $0.hasPrefix("n") }, "\(told.errors)")
    }

    @Test func `so it does with a variable and with the working directory`() throws {
        let work = try Workspace()
        for line in [
            "OSNOVA_DATA_ROOT=$name run list", "unset OSNOVA_DATA_ROOT; XDG_DATA_HOME=/$name run list",
            "mkdir $name; cd $name; run list --data-root root",
            "mkdir -p $name; cd $name; OSNOVA_DATA_ROOT=root run list",
        ] {
            let told = try shell(line, work)
            #expect(told.code == 64 && told.errors.contains("not UTF-8"), "\(line): \(told.errors)")
        }
        let unused = try shell("HOME=/$name run list --data-root root", work)
        #expect(unused.code == 0, "\(unused.errors)")
    }
}
