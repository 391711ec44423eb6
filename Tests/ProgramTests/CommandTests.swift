import Foundation
import TestSupport
import Testing

/// What people type, and what scripts read.
@Suite struct CommandTests {
    @Test func `put prints what sha256sum prints`() throws {
        let work = try Workspace()
        for (index, size) in [0, 1, 65_535, 65_536, 65_537, 3_000_000].enumerated() {
            try work.write("src/file \(index)", noise(size, seed: UInt64(index)))
        }
        let names = (0...5).map { "src/file \($0)" }
        let put = try work.put(names)
        let coreutils = try Program.run("/usr/bin/sha256sum", names, in: work.folder)
        #expect(put.text == coreutils.text)
        let again = try work.expect(0, ["put", "--json"] + work.unlocking + names)
        let rows = try #require(try again.json() as? [[String: Any]])
        #expect(rows.count == names.count)
        #expect(rows.allSatisfy { $0["already_stored"] as? Bool == true })
        #expect(rows.map { $0["stored_size"] as? Int } == rows.map { ($0["size"] as? Int).map { $0 + 28 } })
        #expect(rows.map { $0["name"] as? String } == names)
    }

    /// Several loads are under way at once, each with an open file for every content.
    @Test(arguments: [128, 1024]) func `many files are put with few descriptors`(limit: Int) throws {
        let work = try Workspace()
        for index in 0..<1500 { try work.write("src/f\(index)", Data("content \(index)".utf8)) }
        let command = "\(Program.path) put -r src --phrase-file \(work.phraseFile.path) --data-root root"
        let put = try Program.shell("ulimit -n \(limit) && \(command)", in: work.folder)
        #expect(put.code == 0 && put.lines.count == 1500, "\(put.errors)")
        try work.expect(0, ["verify"] + work.unlocking)
    }

    /// Too large a file ends a process by SIGXFSZ: what a store does without must not be tried.
    @Test func `a put of little works where files may not be large`() throws {
        let work = try Workspace(initialize: false)
        try work.write("f", Data("x".utf8))
        let common = "--phrase-file \(work.phraseFile.path) --data-root root"
        let line = "ulimit -f 1000 && \(Program.path) init \(common) && \(Program.path) put f \(common)"
        let put = try Program.shell(line, in: work.folder)
        #expect(put.code == 0, "\(put.errors)")
        try work.expect(0, ["verify"] + work.unlocking)
    }

    @Test func `a name with a line break is escaped as sha256sum does`() throws {
        let work = try Workspace()
        try work.write("a\nb\\c", Data("x".utf8))
        let put = try work.put(["a\nb\\c"])
        #expect(put.text == (try Program.run("/usr/bin/sha256sum", ["a\nb\\c"], in: work.folder)).text)
    }

    @Test func `cat and get give back what was put`() throws {
        let work = try Workspace()
        let content = try work.write("f", noise(1_234_567, seed: 9))
        let hash = String(try work.put(["f"]).text.prefix(64))
        #expect(try work.expect(0, ["cat", hash] + work.unlocking).output == content)
        try work.expect(0, ["get", hash, "-o", "out"] + work.unlocking)
        #expect(try Data(contentsOf: work.folder.appendingPathComponent("out")) == content)
        let left = try FileManager.default.contentsOfDirectory(atPath: work.folder.path)
        #expect(!left.contains { $0.hasPrefix("out.") })
        try work.expect(66, ["cat", String(repeating: "0", count: 64)] + work.unlocking)
        try work.expect(64, ["cat", "zz"] + work.unlocking)
    }

    @Test func `standard input is put under its hash, or under the name that is given`() throws {
        let work = try Workspace()
        let put = try work.expect(0, ["put", "-"] + work.unlocking, input: Data("pipe".utf8))
        #expect(put.text.hasSuffix("  -\n"))
        try work.expect(0, ["put", "-", "--as", "notes/today"] + work.unlocking, input: Data("note".utf8))
        #expect(try work.sqlite("SELECT count(*) FROM nodes WHERE name = CAST('today' AS BLOB)") == "1")
    }

    @Test func `documents have the keys of the contract`() throws {
        let work = try Workspace()
        try work.write("f", Data("hello".utf8))
        try work.put(["f"])
        let blobs = try #require(try work.expect(0, ["list", "blobs", "--json"]).json() as? [[String: Any]])
        #expect(blobs.map { Set($0.keys) } == [["sha256", "size", "stored_size", "created_at"]])
        let stats = try #require(try work.expect(0, ["stats", "--json"]).json() as? [String: Any])
        #expect(Set(stats.keys) == ["blobs", "components", "applications", "cache", "database_bytes"])
        #expect((stats["blobs"] as? [String: Int]) == ["count": 1, "plain_bytes": 5, "stored_bytes": 33])
        let verify = try #require(
            try work.expect(0, ["verify", "--json"] + work.unlocking).json() as? [String: Any])
        #expect(Set(verify.keys) == ["checked", "ok", "damaged", "missing", "untracked", "database"])
        #expect(verify["checked"] as? Int == 1 && verify["ok"] as? Int == 1 && verify["database"] as? String == "ok")
    }

    // MARK: Bad input

    @Test func `a wrong phrase is refused before anything is done`() throws {
        let work = try Workspace()
        try work.write("f", Data("x".utf8))
        for (words, reason) in [
            (Workspace.otherWords, "not that of"), ("abandon abandon", "words"),
            (Workspace.words.replacingOccurrences(of: "about", with: "abandon"), "checksum"),
            (Workspace.words.replacingOccurrences(of: "about", with: "abuot"), "about"), ("", ""),
        ] {
            try work.write("wrong", Data(words.utf8))
            for command in [["put", "f"], ["verify"], ["mount", work.mountpoint.path]] {
                let outcome = try work.expect(77, command + ["--phrase-file", "wrong"])
                #expect(reason.isEmpty || outcome.errors.contains(reason), "\(outcome.errors)")
            }
        }
        #expect(try work.expect(0, ["list", "blobs"]).text.isEmpty)
        try work.expect(66, ["put", "f", "--phrase-file", "nowhere"])
        try work.expect(77, ["put", "f"])
    }

    @Test func `what is no regular file is refused, and the others are put`() throws {
        let work = try Workspace()
        try work.write("good", Data("good".utf8))
        try work.write("dir/inner", Data("inner".utf8))
        try Program.shell("mkfifo fifo", in: work.folder)
        try work.expect(64, ["put", "dir"] + work.unlocking)
        try work.expect(64, ["put", "fifo"] + work.unlocking)
        let mixed = try work.run(["put", "absent", "good"] + work.unlocking)
        #expect(mixed.code == 66)
        #expect(mixed.lines.count == 1 && mixed.text.hasSuffix("  good\n"))
    }

    @Test func `advice is such that the command can follow it`() throws {
        let work = try Workspace()
        try Program.shell("mkfifo fifo; mkdir dir", in: work.folder)
        #expect(try work.expect(64, ["put", "dir"] + work.unlocking).errors.contains("give -r"))
        #expect(try work.expect(64, ["put", "fifo"] + work.unlocking).errors.contains("'put - < fifo'"))
        let component = #"{"id":"a","name":"A","version":"1.0.0","kind":"backend"}"#
        let application = #"{"id":"a","name":"A","version":"1.0.0","description":"d"}"#
        try work.write("component.json", Data(component.utf8))
        try work.write("app.json", Data(application.utf8))
        for path in ["dir", "fifo"] {
            for command in [
                ["component", "install", "component.json", "--artifact", path],
                ["app", "install", "app.json", "--icon", path], ["cache", "put", "address", path],
            ] {
                let told = try work.expect(64, command + work.unlocking).errors
                #expect(told.contains("not a file") && !told.contains("-r") && !told.contains("put -"), "\(told)")
            }
        }
        for command in [["key", "derive", "a"], ["password", "change"]] {
            let told = try work.expect(66, command).errors
            #expect(told.contains("'osnovafs password reset'") && !told.contains("--phrase-file"), "\(told)")
        }
    }

    @Test func `a usage error names the help of its own command`() throws {
        let work = try Workspace()
        for (arguments, advice) in [
            (["gc", "--grace", "h"], "see 'osnovafs gc --help'"),
            (["unlock", "--password-timeout", "0"], "86400 seconds: see 'osnovafs unlock --help'"),
            (["component", "install"], "see 'osnovafs component install --help'"),
            (["nope"], "see 'osnovafs --help'"), (["component", "nope"], "see 'osnovafs component --help'"),
        ] {
            let told = try work.expect(64, arguments).errors
            #expect(told.hasSuffix(advice + "\n"), "\(told)")
        }
    }

    @Test func `a file whose size does not tell its content is put, or said to be a stream`() throws {
        let work = try Workspace()
        let put = try work.put(["/proc/version"])
        #expect(put.text == (try Program.run("/usr/bin/sha256sum", ["/proc/version"])).text)
        // It says 4096 and has a few bytes.
        let told = try work.expect(75, ["put", "/sys/devices/system/cpu/online"] + work.unlocking)
        #expect(told.errors.contains("'put - < /sys"), "\(told.errors)")
    }

    @Test func `manifests are checked and kept byte for byte`() throws {
        let work = try Workspace()
        let good = #"{"id": "com.example.a",  "name":"A","version":"1.0.0-rc.1","kind":"backend","extra":[1]}"# + "\n"
        try work.write("good.json", Data(good.utf8))
        try work.expect(0, ["component", "install", "good.json"])
        let shown = try #require(
            try work.expect(0, ["component", "show", "com.example.a", "--json"]).json() as? [String: Any])
        #expect(shown["manifest"] as? String == good)
        for (bad, reason) in [
            ("{", "not JSON"), ("[]", "object"), (#"{"id":"a"}"#, "name"),
            (#"{"id":"a","name":"A","version":"1","kind":"backend"}"#, "version"),
            (#"{"id":"a","name":"A","version":"1.0.0","kind":"other"}"#, "kind"),
            (#"{"id":"a","name":"A","version":"1.0.0","kind":"backend","type":"frontend"}"#, "type"),
            (#"{"id":"","name":"A","version":"1.0.0","kind":"backend"}"#, "id"),
            (#"{"id":"a","name":"A","version":"1.0.0","kind":"backend","autonomiAddress":""}"#, "autonomiAddress"),
            ("\u{FEFF}" + good, "byte order mark"),
        ] {
            try work.write("bad.json", Data(bad.utf8))
            for artifact in [[], ["--artifact", "good.json"] + work.unlocking] {
                let outcome = try work.expect(65, ["component", "install", "bad.json"] + artifact)
                #expect(outcome.errors.contains(reason), "\(bad): \(outcome.errors)")
            }
        }
        try work.write("bad.json", Data([0xFF, 0xFE]))
        try work.expect(65, ["component", "install", "bad.json"])
        try work.expect(0, ["component", "remove", "com.example.a"])
        try work.expect(66, ["component", "remove", "com.example.a"])
        try work.expect(66, ["component", "show", "com.example.a"])
    }

    @Test func `an artifact that is not what its hash says is not installed`() throws {
        let work = try Workspace()
        try work.write("artifact", Data("content".utf8))
        let hash = String(repeating: "1", count: 64)
        let manifest = #"{"id":"a","name":"A","version":"1.0.0","kind":"backend","hash":"sha256:\#(hash)"}"#
        try work.write("m.json", Data(manifest.utf8))
        try work.expect(65, ["component", "install", "m.json", "--artifact", "artifact"] + work.unlocking)
        #expect(try FileManager.default.contentsOfDirectory(atPath: work.root.path + "/blobs").isEmpty)
        let sha512 = manifest.replacingOccurrences(of: "sha256:", with: "sha512:")
        try work.write("m.json", Data(sha512.utf8))
        let installed = try work.expect(
            0, ["component", "install", "m.json", "--artifact", "artifact"] + work.unlocking)
        #expect(installed.errors.contains("not checked"))
    }

    @Test func `a data root that is none, newer, or no database is refused with its reason`() throws {
        let empty = try Workspace(initialize: false)
        #expect(try empty.expect(66, ["list"]).errors.contains("init"))
        let newer = try Workspace()
        try newer.sqlite("INSERT INTO schema_version VALUES (99, 0, 'future')")
        #expect(try newer.expect(65, ["list"]).errors.contains("newer"))
        let broken = try Workspace()
        try noise(8192, seed: 1).write(to: broken.root.appendingPathComponent("osnova.db"))
        try broken.expect(65, ["list"])
        let twice = try Workspace()
        try twice.expect(73, ["init"] + twice.unlocking)
    }

    @Test func `init closes an empty directory to others, and leaves another as it is`() throws {
        let work = try Workspace(initialize: false)
        try Program.shell("mkdir -m 755 empty shared; touch shared/file", in: work.folder)
        for root in ["empty", "shared"] { try work.expect(0, ["init", "--data-root", root] + work.unlocking) }
        #expect(try Program.shell("stat -c %a empty shared", in: work.folder).text == "700\n755\n")
        #expect(try !work.expect(0, ["verify", "--data-root", "empty"] + work.unlocking).text.contains("others"))
    }

    @Test func `init makes a phrase that opens the store`() throws {
        let work = try Workspace(initialize: false)
        #expect(try work.expect(73, ["init", "--phrase-out", "new/"]).errors.contains("new/"))
        #expect(!FileManager.default.fileExists(atPath: work.root.path))
        try work.expect(0, ["init", "--phrase-out", "new"])
        let words = try String(contentsOf: work.folder.appendingPathComponent("new"), encoding: .utf8)
        #expect(words.split(separator: " ").count == 12)
        let mode = try Program.shell("stat -c %a new root root/osnova.db root/blobs", in: work.folder).text
        #expect(mode == "600\n700\n600\n700\n")
        try work.write("f", Data("x".utf8))
        try work.expect(0, ["put", "f", "--phrase-file", "new"])
        try work.expect(77, ["put", "f"] + work.unlocking)
        let shown = try Workspace(initialize: false)
        let outcome = try shown.expect(0, ["init"])
        #expect(outcome.errors.split(separator: "\n").contains { $0.split(separator: " ").count == 12 })
        #expect(!outcome.text.contains(outcome.errors.split(separator: "\n").last ?? "?"))
    }
}
