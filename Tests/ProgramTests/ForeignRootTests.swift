import Foundation
import TestSupport
import Testing

/// A data root that another implementation made, mounted and read as it is.
@Suite(.serialized, .enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
struct ForeignRootTests {
    /// What the other implementation says of its root.
    private struct Manifest: Decodable {
        struct Blob: Decodable {
            let hash: String
            let size: Int
            let state: String
        }
        struct Reference: Decodable {
            let table: String
            let hash: String
        }
        struct Database: Decodable { let tables: [String: Int] }

        let blobs: [Blob]
        let blobRefs: [Reference]
        let db: Database

        func hashes(_ states: String...) -> Set<String> {
            Set(blobs.filter { states.contains($0.state) }.map(\.hash))
        }
    }

    private func manifest() throws -> Manifest {
        try Fixtures.read("foreign-root/manifest.json", as: Manifest.self)
    }

    private func workspace() throws -> Workspace {
        let work = try Workspace(initialize: false)
        try FileManager.default.copyItem(at: Fixtures.url("foreign-root/root"), to: work.root)
        return work
    }

    @Test func `its blobs are adopted and read, what is broken in it is named`() throws {
        let work = try workspace()
        let made = try manifest()
        try work.mount()
        let listed = try FileManager.default.contentsOfDirectory(atPath: work.mounted("blobs").path)
        let sound = made.hashes("ok", "unreferenced", "orphan")
        #expect(Set(listed) == sound.union(made.hashes("corrupt")))
        for hash in sound {
            let sum = try Program.shell("sha256sum <blobs/\(hash)", in: work.mountpoint)
            #expect(sum.text.prefix(64) == hash, "\(sum.errors)")
        }
        for hash in made.hashes("corrupt") {
            #expect(throws: (any Error).self) { try Data(contentsOf: work.mounted("blobs/\(hash)")) }
        }
        let report = try #require(
            try work.expect(65, ["verify", "--json"] + work.unlocking).json() as? [String: Any])
        let damaged = try #require(report["damaged"] as? [[String: String]]).compactMap { $0["sha256"] }
        #expect(Set(damaged) == made.hashes("corrupt"))
        #expect(try #require(report["missing"] as? [String]).contains(try #require(made.hashes("missing").first)))
        #expect(report["database"] as? String == "ok")
    }

    @Test func `its rows are listed, and the names in them lead to the blobs`() throws {
        let work = try workspace()
        let made = try manifest()
        try work.mount()
        for (directory, table) in [("components", "components"), ("apps", "applications")] {
            let listed = try FileManager.default.contentsOfDirectory(atPath: work.mounted(directory).path)
            #expect(listed.count == made.db.tables[table])
            for name in listed {
                #expect(try Program.shell("cat \(directory)/\(name)/*.json >/dev/null", in: work.mountpoint).code == 0)
            }
        }
        let readable = made.hashes("ok")
        let icons = try Program.shell("sha256sum apps/*/icon*", in: work.mountpoint).lines.map { String($0.prefix(64)) }
        let cached = try Program.shell("sha256sum cache/*", in: work.mountpoint).lines.map { String($0.prefix(64)) }
        func named(in table: String) -> Set<String> {
            Set(made.blobRefs.filter { $0.table == table }.map(\.hash)).intersection(readable)
        }
        #expect(Set(icons) == named(in: "applications") && !icons.isEmpty)
        #expect(Set(cached) == named(in: "autonomi_cache") && !cached.isEmpty)
    }

    @Test func `a phrase that opens none of its blobs is refused, and its own is remembered`() throws {
        let work = try workspace()
        try work.write("wrong", Data(Workspace.otherWords.utf8))
        try work.expect(77, ["mount", "--phrase-file", "wrong", work.mountpoint.path])
        try work.expect(65, ["verify"] + work.unlocking)
        #expect(try work.sqlite("SELECT count(*) FROM store WHERE key = 'key_fingerprint'") == "1")
        try work.expect(77, ["verify", "--phrase-file", "wrong"])
    }
}
