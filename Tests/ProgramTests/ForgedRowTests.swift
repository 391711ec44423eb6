import Foundation
import TestSupport
import Testing

/// Rows that a hostile or careless program wrote: SQLite keeps any type in any column.
@Suite(.serialized, .enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
struct ForgedRowTests {
    /// What is shown of a blob is its content or an error: neither less of it nor nothing.
    @Test(arguments: ["0", "7", "-7", "'text'", "x'00'", "100001", "9223372036854775807", "274877906881"])
    func `a forged length never shortens a content`(length: String) throws {
        let work = try Workspace()
        let content = try work.write("f", noise(100_000, seed: 1))
        let other = try work.write("other", noise(5000, seed: 2))
        let hash = String(try work.put(["f", "other"]).text.prefix(64))
        for nonce in ["nonce", "NULL", "x'00'", "'twelve bytes'"] {
            try work.sqlite(
                """
                PRAGMA ignore_check_constraints = 1;
                UPDATE blobs SET size = \(length), nonce = \(nonce) WHERE sha256 = '\(hash)'
                """)
            try work.mount()
            let read = try? Data(contentsOf: work.mounted("files/f"))
            #expect(read == nil || read == content, "\(read?.count ?? 0) bytes with nonce \(nonce)")
            #expect(try Data(contentsOf: work.mounted("files/other")) == other)
            // A read that adopted the file anew has healed the row.
            #expect(try [0, 65].contains(work.run(["verify"] + work.unlocking).code))
            try work.unmount()
            try work.put(["f"])
        }
        try work.mount()
        #expect(try Data(contentsOf: work.mounted("files/f")) == content, "putting again heals the row")
        try work.expect(0, ["verify"] + work.unlocking)
    }

    @Test func `a name whose blob has no row is a file that cannot be read, no directory`() throws {
        let work = try Workspace()
        let content = try work.write("f", noise(1000, seed: 1))
        try work.write("other", noise(5000, seed: 2))
        let hash = String(try work.put(["f", "other"]).text.prefix(64))
        try work.expect(0, ["cache", "put", "address", "f"] + work.unlocking)
        try work.sqlite("DELETE FROM blobs WHERE sha256 = '\(hash)'")
        try work.mount()
        for name in ["files/f", "cache/address"] {
            let shown = try Program.shell("stat -c '%F %s' \(name); cat \(name)", in: work.mountpoint)
            #expect(shown.text == "regular file 1\n" && shown.errors.contains("Input/output error"), "\(name)")
        }
        #expect(try Program.shell("find files cache -type d", in: work.mountpoint).lines == ["files", "cache"])
        let sums = try Program.shell("cat SHA256SUMS && sha256sum --quiet -c SHA256SUMS", in: work.mountpoint)
        #expect(sums.code == 0 && !sums.text.contains("manifest"), "\(sums.text)\(sums.errors)")
        #expect(sums.lines.count { $0.contains("files/") } == 1, "\(sums.text)")
        try work.put(["f"])
        #expect(eventually { try Data(contentsOf: work.mounted("files/f")) == content })
    }

    @Test func `no row ends the driver, whatever it verifies by itself`() throws {
        let work = try Workspace()
        try work.write("f", noise(1000, seed: 1))
        let other = try work.write("other", noise(5000, seed: 2))
        try work.put(["f", "other"])
        // The last row that an inode number has room for, in a file whose last chunk tags are the last there can be.
        let hash = String(repeating: "ab", count: 32)
        try Program.shell("truncate -s 274877906908 root/blobs/\(hash).enc", in: work.folder)
        try work.sqlite(
            """
            PRAGMA ignore_check_constraints = 1;
            UPDATE blobs SET verified_at = 0;
            UPDATE blobs SET size = -9223372036854775808 WHERE size = 1000;
            INSERT INTO blobs(id, sha256, size, nonce, verified_at, created_at)
                VALUES (140737488355327, '\(hash)', 274877906880, zeroblob(12), strftime('%s', 'now'), 0);
            """)
        try work.mount(["-o", "scrub=1G"])
        let book = work.root.appendingPathComponent("upkeep.db").path
        #expect(
            eventually {
                try Program.run("/usr/bin/sqlite3", [book, "SELECT count(*) FROM checks"]).text.hasPrefix("2")
            })
        let file = try FileHandle(forReadingFrom: work.mounted("blobs/\(hash)"))
        try file.seek(toOffset: 274_877_906_000)
        #expect(throws: (any Error).self) { try file.read(upToCount: 100) }
        #expect(try Data(contentsOf: work.mounted("files/other")) == other)
    }

    @Test func `the number of a key that the store never had is damage`() throws {
        let work = try Workspace()
        try work.write("f", noise(1000, seed: 1))
        let hash = String(try work.put(["f"]).text.prefix(64))
        try work.sqlite("INSERT INTO blob_generations SELECT id, 7 FROM blobs")
        let shown = try work.run(["cat", hash] + work.unlocking)
        #expect(shown.code == 65 && shown.errors.contains("key 7"), "\(shown.errors)")
        try work.mount()
        let read = try Program.shell("cat files/f", in: work.mountpoint)
        #expect(read.errors.contains("Input/output error"), "\(read.errors)")
    }

    /// The same for what was sealed of it, and for a file that was made to fit the row.
    @Test(arguments: [
        "encoding = 1, sealed_size = size, size = 0", "size = 0", "encoding = 1, sealed_size = size, size = 7",
        "encoding = 0, sealed_size = NULL", "encoding = 1, sealed_size = 0, size = 0", "encoding = 7",
    ])
    func `a forged encoding neither shortens a content nor shows what was sealed`(columns: String) throws {
        let work = try Workspace()
        let contents = [
            "plain": try work.write("plain", noise(100_000, seed: 1)),
            "compressed": try work.write("compressed", prose(400_000, seed: 2)),
        ]
        for isCut in [false, true] {
            for (name, content) in contents {
                let options = name == "plain" ? [] : ["--compress"]
                let hash = String(try work.put([name], options: options).text.prefix(64))
                try work.sqlite("UPDATE blobs SET \(columns) WHERE sha256 = '\(hash)'")
                if isCut { try Program.shell("truncate -s 28 root/blobs/\(hash).enc", in: work.folder) }
                let shown = try work.run(["cat", hash] + work.unlocking)
                #expect(shown.code == 65 || shown.output == content, "cat \(name): \(shown.code)")
                try work.sqlite("UPDATE blobs SET \(columns) WHERE sha256 = '\(hash)'")
                try work.mount()
                let read = try? Data(contentsOf: work.mounted("files/\(name)"))
                #expect(read == nil || read == content, "\(name): \(read?.count ?? 0) bytes of the mount")
                #expect(!isCut || (shown.code == 65 && read == nil), "\(name)")
                try work.unmount()
            }
        }
        for name in contents.keys { try work.put([name]) }
        try work.expect(0, ["verify"] + work.unlocking)
    }

    @Test func `names that no file can have are left out of a listing, the others stay`() throws {
        let work = try Workspace()
        for name in ["a", "b", "c", "d", "e", "sound"] { try work.write(name, Data(name.utf8)) }
        try work.put(["a", "b", "c", "d", "e", "sound"])
        for (name, forged) in [("a", "'x/y'"), ("b", "'..'"), ("c", "x'610062'"), ("d", "zeroblob(300)"), ("e", "''")] {
            try work.sqlite("UPDATE nodes SET name = \(forged) WHERE name = CAST('\(name)' AS BLOB)")
        }
        try work.mount()
        #expect(try Program.shell("ls", in: work.mounted("files")).lines == ["sound"])
        #expect(try Program.shell("cat sound", in: work.mounted("files")).text == "sound")
    }

    @Test func `values of another type than their column's are shown, and stop nothing`() throws {
        let work = try Workspace()
        try work.mount()
        try work.sqlite(
            """
            INSERT INTO components(component_id, name, version, type, manifest_json, installed_at, author) VALUES
                (x'fffe', x'c328', 7, 'backend', x'ff00', 'never', 1.5), (42, 'n', '1', 'frontend', 'not JSON', -5, 3);
            INSERT INTO applications(application_id, name, version, manifest_json, installed_at, icon_blob_hash)
                VALUES ('app', 'n', '1', '{"components": [{"id": ".."}, {"id": 5}, 7]}', 'x', x'ff00');
            INSERT INTO autonomi_cache VALUES (x'ff', x'00', x'01', 'z', 'y', 'x', 'w', 'v');
            INSERT INTO node_changes(operation, directory, name, inode)
                VALUES ('a', 'b', 'c', 'd'), (1, 9223372036854775807, zeroblob(300), -1), (2, -5, 'aa', -1);
            """)
        let expected = "\(FileName.raw([0xFF, 0xFE]))\n42\n"
        #expect(
            eventually { try Program.shell("ls | LC_ALL=C sort -r", in: work.mounted("components")).text == expected })
        #expect(try Program.shell("cat 42/manifest.json", in: work.mounted("components")).text == "not JSON")
        #expect(eventually { try Program.shell("ls", in: work.mounted("apps/app/components")).text == "%2E%2E\n" })
        for kind in ["components", "apps", "cache"] {
            try work.expect(0, ["list", kind])
            _ = try work.expect(0, ["list", kind, "--json"]).json()
        }
        #expect(try work.expect(0, ["component", "show", "42"]).text.contains("not JSON"))
        try work.sqlite("INSERT INTO components VALUES ('late','n','1','backend',0,0,0,'{}',0,1,0)")
        #expect(eventually { FileManager.default.fileExists(atPath: work.mounted("components/late").path) })
    }
}

private enum FileName {
    /// The bytes of a file name as `Program.Outcome.text` shows them.
    static func raw(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
