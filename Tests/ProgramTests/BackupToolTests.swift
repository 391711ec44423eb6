import Foundation
import TestSupport
import Testing

/// Real backup programs over a mount: what they take is the whole store, and what did not change they do not read again.
@Suite(
    .serialized, .enabled(if: BackupTools.isTested, "SKIPPED: no FUSE, or tar, rsync, restic, borg or cpio is missing"))
struct BackupToolTests {
    /// A store of more than 2,000 blobs, with everything that a data root can have.
    private func makeStore() throws -> Workspace {
        let work = try Workspace()
        for index in 0..<2000 {
            try work.write("src/d\(index % 40)/f\(index)", noise((index * 53) % 7000 + 1, seed: UInt64(index)))
        }
        try work.write("src/large", noise(6 << 20, seed: 1) + Data(count: 3 << 20))
        try Program.shell(
            "ln -s d0 link; cp d0/f0 again; printf x > $'odd\\xff\\n'", in: work.folder.appendingPathComponent("src"))
        try work.put(["src"], options: ["-r"])
        for index in 0..<20 {
            let manifest = #"{"id":"ant://c/\#(index)","name":"C","version":"1.0.0","kind":"backend"}"#
            try work.write("c.json", Data(manifest.utf8))
            try work.write("artifact", noise(5000 + index, seed: 9000 + UInt64(index)))
            try work.expect(0, ["component", "install", "c.json", "--artifact", "artifact"] + work.unlocking)
        }
        let app = #"{"id":"app","name":"A","version":"1.0.0","description":"d","components":[{"id":"ant://c/1"}]}"#
        try work.write("app.json", Data(app.utf8))
        try work.write("icon", Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) + noise(900, seed: 3))
        try work.expect(0, ["app", "install", "app.json", "--icon", "icon"] + work.unlocking)
        try work.sqlite("INSERT INTO user_preferences VALUES ('theme', 'dark', 1)")
        try work.write("root/components/ant:%2F%2Fc%2F1/v1.0/config.json", Data("{}".utf8))
        try work.write("root/components/ant:%2F%2Fc%2F1/v1.0/data/state", noise(100_000, seed: 5))
        try work.write("root/identity/user/keys.cocoon", noise(700, seed: 6))
        return work
    }

    /// Every row that is not about a sealing itself.
    private func rows(_ root: URL) throws -> String {
        let tables = [
            "components", "applications", "component_registry", "keys_metadata", "wallet_transactions",
            "autonomi_cache",
            "user_preferences", "schema_version", "nodes", "store",
        ]
        let queries =
            tables.map { "SELECT '\($0)', * FROM \($0) ORDER BY 2;" }
            + ["SELECT id, sha256, size, media_type, links, created_at FROM blobs ORDER BY id;"]
        let outcome = try Program.run(
            "/usr/bin/sqlite3", ["-readonly", root.appendingPathComponent("osnova.db").path, queries.joined()])
        #expect(outcome.code == 0, "\(outcome.errors)")
        return outcome.text
    }

    /// Restored files in `name` become a store again, which is the one that they are of.
    private func expectSameStore(_ work: Workspace, restoredIn name: String) throws {
        let new = work.folder.appendingPathComponent("imported")
        let imported = try work.expect(0, ["import", name, "--json"] + work.unlocking + ["--data-root", new.path])
        let report = try #require(try imported.json() as? [String: Any])
        #expect(report["sealed"] as? Int == 2023, "\(name): \(imported.text)")
        #expect(report["ignored"] as? [String] == [], "\(name)")
        #expect(try rows(new) == rows(work.root), "\(name): the rows differ")
        let verified = try work.expect(0, ["verify", "--json"] + work.unlocking + ["--data-root", new.path])
        let counts = try #require(try verified.json() as? [String: Any])
        #expect(counts["ok"] as? Int == 2023, "\(name): \(verified.text)")
        let files = try Program.shell(
            "diff -r --no-dereference root/identity imported/identity && diff -r --no-dereference root/components imported/components",
            in: work.folder)
        #expect(files.code == 0, "\(name): \(files.text)")
        try Program.shell("chmod -R u+w \(name); rm -rf \(name) imported", in: work.folder)
    }

    @Test func `what tar, rsync, cp, cpio, restic and borg give back is the same store`() throws {
        let work = try makeStore()
        try work.mount()
        let tools: [(name: String, script: String)] = [
            ("tar", "mkdir tar && tar -C mnt -cf - . | tar -C tar -xpf -"),
            ("sparse", "mkdir sparse && tar --sparse -C mnt -cf - . | tar -C sparse -xpf -"),
            ("rsync", "rsync -aHX --delete mnt/ rsync/"),
            ("cp", "cp -a mnt cp"),
            (
                "cpio",
                "mkdir cpio && (cd mnt && find . -print0 | cpio -0 -o -H newc --quiet) | (cd cpio && cpio -idm --quiet)"
            ),
            (
                "restic",
                "restic init -q -r r && (cd mnt && restic backup -q -r ../r .) && restic restore -q -r r latest --target restic"
            ),
            (
                "borg",
                "borg init -e none b && (cd mnt && borg create ../b::a .) && mkdir borg && (cd borg && borg extract ../b::a)"
            ),
        ]
        for (name, script) in tools {
            let outcome = try BackupTools.run(script, in: work)
            #expect(outcome.code == 0, "\(name): \(outcome.errors.suffix(2000))")
            let linked = try Program.shell(
                "stat -c %h:%i files/src/d0/f0 blobs/$(sha256sum files/src/d0/f0 | cut -c1-64) | sort -u | wc -l",
                in: work.folder.appendingPathComponent(name))
            #expect(linked.text == "1\n", "\(name): hard links are links again")
            try expectSameStore(work, restoredIn: name)
        }
    }

    @Test func `a second run over a remounted store reads nothing, and after one more component only that`() throws {
        let work = try makeStore()
        try work.mount()
        let runs = [
            ("rsync", "rsync -aHX --delete mnt/ rsync/"), ("restic", "cd mnt && restic backup -q -r ../r ."),
            ("borg", "cd mnt && borg create ../b::{utcnow:%s%f} ."),
            ("tar", "tar -C mnt --no-check-device -cf t.$RANDOM.tar -g snar ."),
        ]
        try BackupTools.run("restic init -q -r r; borg init -e none b", in: work)
        for (name, script) in runs {
            #expect(try BackupTools.run(script, in: work).code == 0, "\(name)")
        }
        for (name, script) in runs {
            try work.remount()
            let outcome = try BackupTools.run(script, in: work)
            #expect(outcome.code == 0, "\(name): \(outcome.errors)")
            let read = try BackupTools.bytesRead(work)
            #expect(read == ["blob": 0, "document": 0, "database": 0, "generated": 0, "host": 0], "\(name)")
        }
        try work.write("c.json", Data(#"{"id":"added","name":"C","version":"1.0.0","kind":"backend"}"#.utf8))
        try work.write("artifact", noise(77_777, seed: 99))
        try work.expect(0, ["component", "install", "c.json", "--artifact", "artifact"] + work.unlocking)
        for (name, script) in runs {
            try work.remount()
            #expect(try BackupTools.run(script, in: work).code == 0, "\(name)")
            let read = try BackupTools.bytesRead(work)
            #expect(read["blob"] == 77_777, "\(name): \(read)")
            #expect(read["host"] == 0, "\(name): \(read)")
            let documents = try Program.shell("cat components/added/*.json | wc -c", in: work.mountpoint)
            #expect(read["document"] == Int(documents.text.trimmingCharacters(in: .whitespacesAndNewlines)), "\(name)")
        }
    }

    @Test func `du, find and a walk agree with what is stored`() throws {
        let work = try makeStore()
        try work.mount()
        let found = try Program.shell(
            "find . -type f | wc -l; find blobs -type f | wc -l; ls -f blobs | wc -l; find -H . -ls > /dev/null",
            in: work.mountpoint)
        #expect(found.code == 0 && found.lines.dropFirst().first == "2023", "\(found.text)")
        // Each content counts once, however many names it has.
        let used = { (places: String) in
            try Program.shell("du -cs --block-size=1 \(places) | tail -1 | cut -f1", in: work.mountpoint).text
        }
        #expect(try used("blobs cache") == used("blobs"))
        #expect(try used("cache") != "0\n")
    }

    @Test func `an import names what is wrong, goes on, and takes a better copy later`() throws {
        let work = try Workspace()
        for index in 0..<12 { try work.write("src/f\(index)", noise(3000 + index, seed: UInt64(index))) }
        let put = try work.put(["src"], options: ["-r"])
        let hashes = put.lines.map { String($0.prefix(64)) }
        try work.mount()
        try Program.shell("cp -a mnt copy; chmod -R u+w copy; cp -a copy good", in: work.folder)
        let newer = try work.write("newer", Data("newer".utf8))
        let newerHash = String(try work.put(["newer"]).text.prefix(64))
        try newer.write(to: work.folder.appendingPathComponent("copy/blobs/\(newerHash)"))
        let broken = try Program.shell(
            "cd copy; rm -f blobs/\(hashes[0]) && printf x > blobs/\(hashes[0]); rm -f blobs/\(hashes[1]); "
                + "mkfifo blobs/fifo; mkdir blobs/dir; echo x > extra; rm -f blobs/\(hashes[2]); mkfifo blobs/\(hashes[2])",
            in: work.folder)
        #expect(broken.code == 0)
        let importing = ["import", "--json"] + work.unlocking + ["--data-root", "new"]
        let outcome = try work.expect(65, importing + ["copy"])
        let report = try #require(try outcome.json() as? [String: Any])
        #expect(report["missing"] as? [String] == [hashes[1]])
        let refused = try #require(report["refused"] as? [[String: String]])
        #expect(Set(refused.compactMap { $0["path"] }) == ["blobs/\(hashes[0])", "blobs/\(hashes[2])"])
        #expect(Set(report["ignored"] as? [String] ?? []) == ["extra", "blobs/fifo", "blobs/dir"])
        #expect(report["sealed"] as? Int == 10)
        try work.expect(0, ["cat", newerHash] + work.unlocking + ["--data-root", "new"])
        let better = try #require(try work.expect(0, importing + ["good"]).json() as? [String: Any])
        #expect(better["sealed"] as? Int == 3 && better["already_sealed"] as? Int == 10)
        try work.expect(0, ["verify"] + work.unlocking + ["--data-root", "new"])
        try work.expect(73, importing + ["good"])
        // What is no view, or not this store's.
        try work.expect(66, ["import", "src"] + work.unlocking + ["--data-root", "none"])
        try work.write("other", Data(Workspace.otherWords.utf8))
        try work.expect(77, ["import", "good", "--phrase-file", "other", "--data-root", "none"])
        try Program.shell("truncate -s 60000 good/osnova.db", in: work.folder)
        let cut = try work.expect(65, ["import", "good"] + work.unlocking + ["--data-root", "none"])
        #expect(cut.errors.contains("good/osnova.db"), "\(cut.errors)")
        #expect(!FileManager.default.fileExists(atPath: work.folder.path + "/none/osnova.db"))
    }

    @Test func `an import that is killed goes on where it was`() throws {
        let work = try makeStore()
        try work.mount()
        try Program.shell("cp -a mnt copy", in: work.folder)
        let arguments = (["import"] + work.unlocking + ["--data-root", "imported", "copy"]).joined(separator: " ")
        // Killed as soon as some hundred contents are sealed: their rows are committed or not, their files there or not.
        try Program.shell(
            "\(Program.path) \(arguments) & p=$!; until [ $(ls imported/blobs 2>/dev/null | wc -l) -gt 600 ]; do :; done; kill -9 $p; wait $p",
            in: work.folder)
        let again = try work.expect(0, ["import", "copy", "--json"] + work.unlocking + ["--data-root", "imported"])
        let report = try #require(try again.json() as? [String: Any])
        let sealed = try #require(report["sealed"] as? Int)
        let before = try #require(report["already_sealed"] as? Int)
        #expect(sealed + before == 2023 && sealed < 2023, "\(again.text)")
        #expect(try rows(work.folder.appendingPathComponent("imported")) == rows(work.root))
        let verified = try work.expect(0, ["verify", "--json"] + work.unlocking + ["--data-root", "imported"])
        #expect(try (verified.json() as? [String: Any])?["ok"] as? Int == 2023)
    }
}

/// The backup programs of the machine, each with its state in the test's own folder.
enum BackupTools {
    static let isTested =
        Fuse.isTested
        && ["tar", "rsync", "restic", "borg", "cpio", "bc"].allSatisfy {
            FileManager.default.isExecutableFile(atPath: "/usr/bin/\($0)")
        }

    @discardableResult
    static func run(_ script: String, in work: Workspace) throws -> Program.Outcome {
        let folder = work.folder.path
        return try Program.run(
            "/bin/bash", ["-c", "set -e -o pipefail; " + script], in: work.folder,
            environment: [
                "RESTIC_PASSWORD": "x", "RESTIC_CACHE_DIR": "\(folder)/restic-cache",
                "BORG_BASE_DIR": "\(folder)/borg-base",
                "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes", "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes",
            ])
    }

    /// Bytes of file content that the mount has given out, by kind.
    static func bytesRead(_ work: Workspace) throws -> [String: Int] {
        let text = try String(contentsOf: work.mounted(".osnovafs/metrics"), encoding: .utf8)
        let prefix = "osnovafs_read_bytes_total{content=\""
        return Dictionary(
            text.split(separator: "\n").filter { $0.hasPrefix(prefix) }.compactMap { line in
                let parts = line.dropFirst(prefix.count).split(separator: "\"")
                guard let value = parts.last?.split(separator: " ").last.flatMap({ Int($0) }) else { return nil }
                return (String(parts[0]), value)
            }, uniquingKeysWith: +)
    }
}
