import Foundation
import TestSupport
import Testing

/// States of the tree that stay.
@Suite(.serialized, .enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
struct SnapshotTests {
    private func makeStore() throws -> Workspace {
        let work = try Workspace()
        for index in 0..<6 { try work.write("f\(index)", noise(2000 + index, seed: UInt64(index))) }
        try work.put((0..<6).map { "f\($0)" }, options: [])
        try work.write("m.json", Data(#"{"id":"com.x/a","name":"A","version":"1.0.0","kind":"backend"}"#.utf8))
        try work.expect(0, ["component", "install", "m.json", "--artifact", "f1"] + work.unlocking)
        try work.write("root/components/com.x%2Fa/v1.0/config.json", Data("then".utf8))
        try work.write("root/identity/user/keys.cocoon", Data("sealed".utf8))
        return work
    }

    /// Number, size, times and path of each file of the catalog below a directory of the mount.
    private func files(_ work: Workspace, _ directory: String) throws -> Set<Substring> {
        let text = try Program.shell(
            "find . \\( -name identity -o -name logs -o -name 'v*' -o -name osnova.db -o -name SHA256SUMS -o -name .changed \\) -prune "
                + "-o ! -type d -printf '%i %s %h %n %T@ %C@ %p\\n'", in: work.mounted(directory)
        ).text
        return Set(text.split(separator: "\n"))
    }

    @Test func `a snapshot is the tree of then, with the same numbers, whatever becomes of the store`() throws {
        let work = try makeStore()
        try work.mount()
        try work.expect(0, ["snapshot", "create", "then"])
        let then = { try files(work, ".snapshots/then") }
        #expect(eventually(within: 2) { try files(work, "") == then() }, "live and snapshot differ")
        let before = try then()
        #expect(before.count > 15)
        let manifest = try Data(contentsOf: work.mounted("components/com.x%2Fa/manifest.json"))
        try work.sqlite("UPDATE components SET manifest_json = '{}', name = 'B'; DELETE FROM autonomi_cache")
        try work.write("root/components/com.x%2Fa/v1.0/config.json", Data("now".utf8))
        try work.write("g", Data("new".utf8))
        let added = String(try work.put(["g", "--as", "f0"]).text.prefix(64))
        #expect(eventually(within: 1) { try Data(contentsOf: work.mounted("files/f0")) == Data("new".utf8) })
        let withoutLinks = { (lines: Set<Substring>) in
            // A file that lost a name elsewhere has a link less; everything else is as it was.
            Set(
                lines.map { $0.split(separator: " ").enumerated().filter { $0.offset != 3 }.map { String($0.element) } }
            )
        }
        #expect(try withoutLinks(then()) == withoutLinks(before))
        let place = ".snapshots/then/components/com.x%2Fa"
        #expect(try Data(contentsOf: work.mounted("\(place)/manifest.json")) == manifest)
        #expect(try Data(contentsOf: work.mounted("\(place)/v1.0/config.json")) == Data("then".utf8))
        #expect(try Data(contentsOf: work.mounted(".snapshots/then/files/f0")) == noise(2000, seed: 0))
        #expect(!FileManager.default.fileExists(atPath: work.mounted(".snapshots/then/blobs/\(added)").path))
        #expect(try !FileManager.default.contentsOfDirectory(atPath: work.mountpoint.path).contains(".snapshots"))
        try work.remount()
        #expect(try withoutLinks(then()) == withoutLinks(before))
    }

    /// Sixty were once the last: each used up as many ids as there had ever been.
    @Test func `snapshots use up no more numbers than they have nodes`() throws {
        let work = try makeStore()
        for number in 0..<70 {
            try work.expect(0, ["snapshot", "create", "s\(number)"])
            if number > 2 { try work.expect(0, ["snapshot", "delete", "s\(number)"]) }
        }
        let largest = try #require(Int(try work.sqlite("SELECT seq FROM sqlite_sequence WHERE name = 'nodes'")))
        #expect(largest < 10_000)
        try work.put(["f0"], options: ["--as", "late"])
        try work.mount()
        #expect(try Data(contentsOf: work.mounted("files/late")) == noise(2000, seed: 0))
        #expect(try Data(contentsOf: work.mounted(".snapshots/s2/files/f0")) == noise(2000, seed: 0))
    }

    @Test func `a copy of a snapshot becomes the store of then`() throws {
        let work = try makeStore()
        try work.mount()
        let rows = try work.sqlite("SELECT * FROM components; SELECT * FROM nodes; SELECT id, sha256, links FROM blobs")
        try work.expect(0, ["snapshot", "create", "then"])
        try work.write("g", Data("new".utf8))
        try work.put(["g"])
        try Program.shell("cp -a mnt/.snapshots/then copy", in: work.folder)
        try work.expect(0, ["import", "copy"] + work.unlocking + ["--data-root", "new"])
        let imported = try Program.run(
            "/usr/bin/sqlite3",
            ["new/osnova.db", "SELECT * FROM components; SELECT * FROM nodes; SELECT id, sha256, links FROM blobs"],
            in: work.folder)
        #expect(imported.text.trimmingCharacters(in: .newlines) == rows)
        #expect(try Program.shell("diff -r root/identity new/identity", in: work.folder).code == 0)
        try work.expect(0, ["verify"] + work.unlocking + ["--data-root", "new"])
    }

    @Test func `a deleted snapshot leaves nothing, and names are checked`() throws {
        let work = try makeStore()
        try work.mount()
        let rows = {
            try work.sqlite(
                "SELECT id, links FROM blobs; SELECT count(*) FROM nodes; SELECT count(*) FROM frozen_documents")
        }
        let before = try rows()
        let links = { try Program.shell("stat -c %h files/f2", in: work.mountpoint).text }
        #expect(try links() == "2\n")
        try work.expect(0, ["snapshot", "create", "a b"])
        try work.expect(0, ["snapshot", "create", "c"])
        #expect(eventually(within: 2) { try links() == "6\n" })
        let listed = try work.expect(0, ["snapshot", "list", "--json"]).json() as? [[String: Any]]
        #expect(listed?.map { $0["name"] as? String } == ["a b", "c"])
        try work.expect(73, ["snapshot", "create", "c"])
        for bad in ["", ".", "..", "a/b", "a\nb"] { try work.expect(64, ["snapshot", "create", bad]) }
        try work.expect(66, ["snapshot", "delete", "nothing"])
        for name in ["a b", "c"] { try work.expect(0, ["snapshot", "delete", name]) }
        #expect(eventually(within: 2) { try links() == "2\n" })
        #expect(try rows() == before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: work.root.path + "/snapshots").isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: work.mounted(".snapshots").path).isEmpty)
    }

    @Test func `whatever a row or a link names, only folders of snapshots are removed`() throws {
        let work = try makeStore()
        try work.expect(0, ["snapshot", "create", "s"])
        try work.write("victim/f", Data("mine".utf8))
        try work.write("root/snapshots/notes/f", Data("mine".utf8))
        try work.sqlite("UPDATE snapshots SET folder = '../../victim'")
        try work.expect(0, ["snapshot", "delete", "s"])
        // Its folder has no row any more, and goes.
        #expect(try FileManager.default.contentsOfDirectory(atPath: work.root.path + "/snapshots") == ["notes"])
        let stray = UUID().uuidString.lowercased()
        try work.write("elsewhere/\(stray)/f", Data("mine".utf8))
        try Program.shell("mv root/snapshots kept && ln -s ../elsewhere root/snapshots", in: work.folder)
        try work.expect(0, ["gc"])
        for kept in ["victim/f", "kept/notes/f", "elsewhere/\(stray)/f"] {
            #expect(try Data(contentsOf: work.folder.appendingPathComponent(kept)) == Data("mine".utf8), "\(kept)")
        }
    }
}

/// Content that is removed while somebody reads it.
@Suite(.serialized, .enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
struct RemovalTests {
    @Test func `an open file keeps its content when its blob is removed, until the last reader closes it`() throws {
        let work = try Workspace()
        let content = try work.write("f", noise(20 << 20, seed: 4))
        try work.write("g", noise(5000, seed: 5))
        let hash = String(try work.put(["f", "g"]).text.prefix(64))
        try work.sqlite(
            "INSERT INTO components(component_id, name, version, type, manifest_json, installed_at) "
                + "VALUES ('c', 'n', '1.0.0', 'backend', 'before', 1)")
        try work.mount()
        let told = { try String(contentsOf: work.mounted("components/c/manifest.json"), encoding: .utf8) }
        #expect(try told() == "before")
        let reader = try FileHandle(forReadingFrom: work.mounted("blobs/\(hash)"))
        #expect(try reader.read(upToCount: 1000) == content.prefix(1000))
        // As a collector of garbage does it: the rows first, the file when mounts had the time to hear of it. That the
        // manifest, which the kernel keeps, is the new one shows that everything before it was told as well.
        try work.sqlite("DELETE FROM nodes WHERE name = CAST('f' AS BLOB); DELETE FROM blobs WHERE sha256 = '\(hash)'")
        #expect(try reader.read(upToCount: 3 << 20) == content[1000..<(1000 + (3 << 20))])
        try work.sqlite("UPDATE components SET manifest_json = 'after'")
        #expect(eventually { try told() == "after" })
        let driver = try #require(try work.drivers().first)
        let holds = { try Program.shell("ls -l /proc/\(driver)/fd").text.contains(hash) }
        #expect(try holds())
        try FileManager.default.removeItem(at: work.sealedFile(hash))
        #expect(!FileManager.default.fileExists(atPath: work.mounted("blobs/\(hash)").path))
        try reader.seek(toOffset: 0)
        #expect(try reader.readToEnd() == content)
        try reader.close()
        #expect(eventually { try !holds() })
        // One that nobody reads is not held at all.
        let other = try Program.shell("ls blobs", in: work.mountpoint).text.prefix(64)
        try work.sqlite("DELETE FROM nodes WHERE name = CAST('g' AS BLOB); DELETE FROM blobs")
        #expect(eventually { try FileManager.default.contentsOfDirectory(atPath: work.mounted("blobs").path).isEmpty })
        #expect(eventually { try !Program.shell("ls -l /proc/\(driver)/fd").text.contains(String(other)) })
    }

    @Test func `fifty listings while blobs come and go: none is doubled, no survivor is missing`() throws {
        let work = try Workspace()
        // Rows are enough for a listing: ten thousand that stay.
        try work.sqlite(
            """
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
            INSERT INTO blobs(sha256, size, created_at) SELECT printf('%064x', i * 2), 1, 1 FROM n
            """)
        try work.mount()
        let script = """
            import os, sqlite3, sys, threading
            blobs, database = sys.argv[1:]
            survivors = {"%064x" % (2 * i) for i in range(1, 10001)}
            done = threading.Event()
            def churn():
                rows = sqlite3.connect(database, timeout=20); added = 0
                while not done.is_set():
                    for _ in range(20):
                        added += 1
                        rows.execute("INSERT INTO blobs(sha256, size, created_at) VALUES (?, 1, 1)", ["%064x" % (2 * added + 1)])
                    rows.execute("DELETE FROM blobs WHERE sha256 IN (SELECT sha256 FROM blobs WHERE id > 10000 ORDER BY id LIMIT 19)")
                    rows.commit()
            thread = threading.Thread(target=churn); thread.start()
            try:
                for _ in range(50):
                    names = os.listdir(blobs)
                    assert len(names) == len(set(names)), "doubled"
                    assert survivors <= set(names), "missing"
            finally:
                done.set(); thread.join()
            """
        try work.write("list.py", Data(script.utf8))
        let outcome = try Program.run(
            "/usr/bin/python3",
            [work.folder.path + "/list.py", work.mounted("blobs").path, work.root.path + "/osnova.db"])
        #expect(outcome.code == 0, "\(outcome.errors)")
    }
}
