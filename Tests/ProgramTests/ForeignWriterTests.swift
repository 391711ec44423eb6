import Foundation
import TestSupport
import Testing

/// Rows that plain `sqlite3` writes while the store is mounted.
@Suite(.serialized, .enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
struct ForeignWriterTests {
    private func insert(_ id: String, manifest: String) -> String {
        """
        INSERT INTO components(component_id, name, version, type, manifest_json, installed_at)
        VALUES ('\(id)', 'n', '1.0.0', 'backend', '\(manifest)', 1700000000)
        """
    }

    @Test func `insert, update and delete show within a second, with nothing stale`() throws {
        let work = try Workspace()
        try work.mount()
        let components = work.mounted("components").path
        #expect(try FileManager.default.contentsOfDirectory(atPath: components).isEmpty)
        try work.sqlite(insert("com.example.live", manifest: #"{"v": 1}"#))
        #expect(
            eventually(within: 1) {
                try FileManager.default.contentsOfDirectory(atPath: components) == ["com.example.live"]
            })
        let manifest = work.mounted("components/com.example.live/manifest.json")
        #expect(try Data(contentsOf: manifest) == Data(#"{"v": 1}"#.utf8))
        let inode = try Program.shell("stat -c %i \(components)/com.example.live").text
        try work.sqlite(#"UPDATE components SET manifest_json = '{"version": "twice as long"}'"#)
        #expect(
            eventually(within: 1) { try Data(contentsOf: manifest) == Data(#"{"version": "twice as long"}"#.utf8) })
        #expect(try Program.shell("stat -c %s \(manifest.path)").text == "28\n")
        #expect(try Program.shell("stat -c %i \(components)/com.example.live").text == inode)
        try work.sqlite("DELETE FROM components")
        #expect(eventually(within: 1) { try FileManager.default.contentsOfDirectory(atPath: components).isEmpty })
        #expect(!FileManager.default.fileExists(atPath: manifest.path))
        try work.sqlite(insert("com.example.live", manifest: "{}"))
        #expect(eventually(within: 1) { FileManager.default.fileExists(atPath: manifest.path) })
        #expect(try Program.shell("stat -c %i \(components)/com.example.live").text != inode, "never used again")
    }

    /// Whoever lists the directory in between sees it without what the row tells, and the kernel keeps that.
    @Test func `a row that goes and comes back before the mount looks at it is shown whole`() throws {
        let work = try Workspace()
        let rows = [
            insert("c", manifest: "{}"),
            "INSERT INTO component_registry VALUES ('c', '1.0.0', 42, 'http://x', 'running', 1, 2, 0)",
        ]
        for row in rows { try work.sqlite(row) }
        try work.mount()
        let names = { try Set(FileManager.default.contentsOfDirectory(atPath: work.mounted("components/c").path)) }
        let whole: Set = ["manifest.json", "metadata.json", "status.json"]
        let database = work.root.appendingPathComponent("osnova.db").path
        for (table, row) in zip(["components", "component_registry"], rows) {
            let writer = try LockingWriter(database, after: "DELETE FROM \(table)")
            #expect(try names() != whole)
            try writer.end(committing: row)
            #expect(eventually(within: 1) { try names() == whole }, "\(table)")
            // For the first listing that the kernel keeps to be one in between.
            try work.remount()
        }
    }

    @Test func `a registry row is the component's status while it is there`() throws {
        let work = try Workspace()
        try work.sqlite(insert("c", manifest: "{}"))
        try work.mount()
        let status = work.mounted("components/c/status.json")
        #expect(!FileManager.default.fileExists(atPath: status.path))
        try work.sqlite("INSERT INTO component_registry VALUES ('c', '1.0.0', 42, 'http://x', 'running', 1, 2, 0)")
        #expect(eventually(within: 1) { FileManager.default.fileExists(atPath: status.path) })
        try work.sqlite("UPDATE component_registry SET last_heartbeat = 31337")
        #expect(
            eventually(within: 1) { try String(contentsOf: status, encoding: .utf8).contains("31337") })
        try work.sqlite("DELETE FROM component_registry")
        #expect(eventually(within: 1) { !FileManager.default.fileExists(atPath: status.path) })
    }

    @Test func `hostile rows neither fail their writer nor break the mount`() throws {
        let work = try Workspace()
        try work.mount()
        let long = String(repeating: "x", count: 4000)
        for id in ["a/b", "..", ".", "", "tab\tline", "100%", long] {
            try work.sqlite(insert(id.replacingOccurrences(of: "'", with: "''"), manifest: "not json"))
        }
        try work.sqlite(
            "INSERT INTO components VALUES (CAST(x'ff2f41' AS TEXT),'n','1','backend',NULL,NULL,NULL,x'ff00',NULL,1,NULL)"
        )
        try work.sqlite("INSERT INTO components VALUES (NULL,'n','1','backend',NULL,NULL,NULL,'{}',NULL,1,NULL)")
        try work.sqlite(
            "INSERT OR REPLACE INTO applications(application_id,name,version,manifest_json,installed_at,icon_blob_hash)"
                + " VALUES ('app','n','1','[1,2',1,'no hash')")
        let listing = {
            try Program.shell(
                "LC_ALL=C ls -N components; cat components/*/manifest.json >/dev/null", in: work.mountpoint)
        }
        #expect(eventually(within: 1) { try listing().text.split(separator: "\n").count == 8 })
        let names = try listing().output.split(separator: UInt8(ascii: "\n")).map { Array($0) }
        for name in ["a%2Fb", "%2E%2E", "%2E", "%", "tab%09line", "100%25"] {
            #expect(names.contains(Array(name.utf8)))
        }
        #expect(names.contains([0xFF] + Array("%2FA".utf8)))
        let cut = try #require(names.first { $0.count > 100 })
        #expect(cut.count == 255 && cut[190] == UInt8(ascii: "~"))
        #expect(try listing().code == 0)
    }
}
