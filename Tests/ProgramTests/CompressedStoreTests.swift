import Foundation
import TestSupport
import Testing

/// A store whose contents are compressed before they are sealed, as people and scripts meet it.
@Suite(.serialized) struct CompressedStoreTests {
    private func rows(_ outcome: Program.Outcome) throws -> [[String: Any]] {
        try #require(try outcome.json() as? [[String: Any]])
    }

    private func fileSize(_ work: Workspace, _ hash: String) throws -> Int {
        try Data(contentsOf: work.sealedFile(hash)).count
    }

    /// Contents of both kinds under `in/`, and their hashes by name.
    private func filled(_ work: Workspace) throws -> [String: String] {
        try work.write("in/text", prose(700_000, seed: 1))
        try work.write("in/large", prose(5_000_000, seed: 2) + noise(100_000, seed: 3))
        try work.write("in/noise", noise(400_000, seed: 4))
        try work.write("in/small", Data("small".utf8))
        try work.write("in/zeros", Data(count: 2_000_000))
        let lines = try work.put(["in"], options: ["-r", "--compress"]).lines
        let pairs = lines.map { (String($0.dropFirst(66)), String($0.prefix(64))) }
        #expect(pairs.count == 5)
        return Dictionary(uniqueKeysWithValues: pairs)
    }

    private func isWhole(_ work: Workspace, _ hashes: [String: String], _ place: String) throws {
        for (name, hash) in hashes {
            let content = try Data(contentsOf: work.folder.appendingPathComponent(name))
            #expect(try work.expect(0, ["cat", hash] + work.unlocking).output == content, "\(name) \(place)")
        }
        try work.expect(0, ["verify"] + work.unlocking)
    }

    @Test func `put compresses where it is told to, and its documents have the keys that they had`() throws {
        let work = try Workspace()
        for seed in 1...4 as ClosedRange<UInt64> { try work.write("f\(seed)", prose(100_000, seed: seed)) }
        func put(_ name: String, _ options: [String]) throws -> Int {
            let row = try #require(
                rows(work.expect(0, ["put", "--json", name] + options + work.unlocking)).first)
            #expect(Set(row.keys) == ["name", "sha256", "size", "stored_size", "already_stored"])
            #expect(row["size"] as? Int == 100_000)
            let stored = try #require(row["stored_size"] as? Int)
            #expect(try stored == fileSize(work, #require(row["sha256"] as? String)))
            return stored
        }
        #expect(try put("f1", []) == 100_028 && put("f2", ["--compress"]) < 60_000)
        #expect(try put("f1", ["--compress"]) == 100_028, "it is stored already")
        #expect(try work.expect(0, ["compression"]).text == "compression is off\n")
        try work.expect(0, ["compression", "on"])
        #expect(try put("f3", []) < 60_000 && put("f4", ["--no-compress"]) == 100_028)
        #expect(
            try work.expect(0, ["compression", "off", "--json"]).json() as? [String: Bool] == ["compression": false])
        try work.expect(64, ["compression", "perhaps"])

        let listed = try rows(work.expect(0, ["list", "blobs", "--json"]))
        #expect(listed.allSatisfy { Set($0.keys) == ["sha256", "size", "stored_size", "created_at"] })
        let sizes = try listed.map { try fileSize(work, #require($0["sha256"] as? String)) }
        #expect(listed.map { $0["stored_size"] as? Int } == sizes)
        let stats = try #require(try work.expect(0, ["stats", "--json"]).json() as? [String: Any])
        #expect(
            stats["blobs"] as? [String: Int] == [
                "count": 4, "plain_bytes": 400_000, "stored_bytes": sizes.reduce(0, +),
            ])
        #expect(try work.expect(0, ["stats"]).lines.contains { $0.hasPrefix("compressed") && $0.hasSuffix("saved") })
    }

    @Test func `a store that was made to compress does, whatever puts`() throws {
        let work = try Workspace(initialize: false)
        try work.expect(0, ["init", "--compress"] + work.unlocking)
        #expect(try work.expect(0, ["compression"]).text == "compression is on\n")
        try work.write("f", prose(100_000, seed: 1))
        try work.write("cached", prose(100_000, seed: 2))
        try work.put(["f"])
        try work.expect(0, ["cache", "put", "ant://x", "cached"] + work.unlocking)
        #expect(try work.sqlite("SELECT count(*) FROM blobs WHERE encoding = 1") == "2")
        try work.expect(0, ["verify"] + work.unlocking)
    }

    @Test func `cat, get, verify, gc, backup, restore and import take both kinds`() throws {
        let work = try Workspace()
        let hashes = try filled(work)
        #expect(try work.sqlite("SELECT count(*) FROM blobs WHERE encoding = 1") == "3")
        try isWhole(work, hashes, "as put")
        let text = try #require(hashes["in/text"])
        try work.expect(0, ["get", text, "-o", "out"] + work.unlocking)
        #expect(try Program.shell("cmp out in/text", in: work.folder).code == 0)

        try work.expect(0, ["backup", "--verify", "backup"])
        try work.expect(0, ["file", "remove", "in/text"])
        let gone = try #require(try work.expect(0, ["gc", "--grace", "0s", "--json"]).json() as? [String: Any])
        let sealed = try #require((gone["removed"] as? [[String: Any]])?.first)
        #expect(sealed["sha256"] as? String == text && sealed["size"] as? Int == 700_000)
        #expect(gone["freed_bytes"] as? Int == sealed["stored_size"] as? Int)
        try work.expect(66, ["cat", text] + work.unlocking)
        try work.expect(0, ["restore", "backup"])
        try isWhole(work, hashes, "restored")

        try Data().write(to: work.sealedFile(text))
        try work.expect(65, ["verify"] + work.unlocking)
        try work.expect(0, ["verify", "--repair", "--from", "backup"] + work.unlocking)
        try isWhole(work, hashes, "repaired")
    }

    @Test func `rows that are gone come back by verify and by put`() throws {
        let work = try Workspace()
        let hashes = try filled(work)
        let before = try work.sqlite("SELECT sha256, size, encoding, sealed_size FROM blobs ORDER BY sha256")
        func forget() throws {
            try work.sqlite("DELETE FROM nodes WHERE blob IS NOT NULL; DELETE FROM blobs; DELETE FROM blob_tags")
        }
        try forget()
        try work.expect(0, ["verify", "--repair"] + work.unlocking)
        #expect(try work.sqlite("SELECT sha256, size, encoding, sealed_size FROM blobs ORDER BY sha256") == before)
        try isWhole(work, hashes, "repaired")
        try forget()
        let again = try rows(work.expect(0, ["put", "-r", "--json", "in"] + work.unlocking))
        #expect(again.allSatisfy { $0["already_stored"] as? Bool == true })
        #expect(try work.sqlite("SELECT sha256, size, encoding, sealed_size FROM blobs ORDER BY sha256") == before)
        try isWhole(work, hashes, "put again")
        try FileManager.default.removeItem(at: work.root.appendingPathComponent("osnova.db"))
        try work.expect(0, ["init"] + work.unlocking)
        try isWhole(work, hashes, "with a new database")
    }
}

/// The same through a mount.
@Suite(.serialized, .enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
struct CompressedMountTests {
    private static let frame = 128 << 10

    /// Files of both kinds, and the sums of all.
    private func filled(_ work: Workspace) throws {
        for seed in 0..<40 as Range<UInt64> {
            let size = Int(seed) * 9_973 + 1
            try work.write("src/\(seed)", seed % 3 == 0 ? noise(size, seed: seed) : prose(size, seed: seed))
        }
        try work.write("src/large", prose(40 << 20, seed: 99))
        try work.write("sums", work.put(["src"], options: ["-r", "--compress"]).output)
        #expect(try (Int(work.sqlite("SELECT count(*) FROM blobs WHERE encoding = 1")) ?? 0) > 25)
    }

    @Test func `several readers and a memory map see what was put, and again after a remount`() throws {
        let work = try Workspace()
        try filled(work)
        try work.mount()
        for _ in 0..<2 {
            let sums = try Program.shell(
                """
                for i in 1 2 3 4 5; do (sha256sum --quiet -c ../../sums || echo bad) & done; wait
                """, in: work.mounted("files"))
            #expect(sums.text.isEmpty, "\(sums.text.prefix(1000)) \(sums.errors)")
            try work.remount()
            let content = try Data(contentsOf: work.folder.appendingPathComponent("src/large"))
            let mapped = try Data(contentsOf: work.mounted("files/src/large"), options: .alwaysMapped)
            let file = try FileHandle(forReadingFrom: work.mounted("files/src/large"))
            var generator = SystemRandomNumberGenerator()
            for _ in 0..<200 {
                let start = Int.random(in: 0..<content.count, using: &generator)
                let end = min(content.count, start + Int.random(in: 1...300_000, using: &generator))
                try file.seek(toOffset: UInt64(start))
                #expect(try file.read(upToCount: end - start) == content[start..<end], "pread at \(start)..<\(end)")
                #expect(mapped[start..<end] == content[start..<end], "mmap at \(start)..<\(end)")
            }
        }
    }

    @Test func `attributes are the content's, and the xattr tells what is on the disk`() throws {
        let work = try Workspace()
        try work.write("f", prose(700_000, seed: 1))
        let hash = String(try work.put(["f"], options: ["--compress"]).text.prefix(64))
        try work.mount()
        let path = work.mounted("files/f").path
        #expect(try Program.shell("stat -c '%s %b' \(path)").text == "700000 1368\n")
        let stored = try Program.shell("getfattr --only-values -n user.osnova.stored_size \(path)").text
        #expect(stored == "\(try Data(contentsOf: work.sealedFile(hash)).count)")
    }

    @Test func `a mount of sealed files alone shows and reads them, and so does one whose rows go while it lives`()
        throws
    {
        let work = try Workspace()
        try filled(work)
        let expected = try Program.shell(
            "for f in src/*; do echo $(sha256sum <$f | cut -c1-64) $(stat -c %s $f); done | sort -u", in: work.folder)
        func forget() throws {
            try work.sqlite("DELETE FROM nodes WHERE blob IS NOT NULL; DELETE FROM blobs; DELETE FROM blob_tags")
        }
        try forget()
        try work.mount()
        for _ in 0..<2 {
            // Each file is asked for by its name: a listing shows those that were met.
            let sums = try Program.shell(
                "sed 's:  .*::' ../../sums | while read h; do echo \"$h  $h\"; done | sha256sum --quiet -c -",
                in: work.mounted("blobs"))
            #expect(sums.code == 0, "\(sums.text.prefix(1000)) \(sums.errors)")
            let seen = try Program.shell("stat -c '%n %s' * | grep -v SHA | sort", in: work.mounted("blobs"))
            #expect(seen.text == expected.text)
            try work.expect(0, ["verify"] + work.unlocking)
            try forget()
            #expect(
                eventually {
                    try FileManager.default.contentsOfDirectory(atPath: work.mounted("blobs").path).count <= 1
                })
        }
    }

    @Test func `a flipped byte costs the frames of its chunk, the table all of them`() throws {
        let work = try Workspace()
        let content = try work.write("victim", prose(40 * Self.frame, seed: 5))
        let hash = String(try work.put(["victim"], options: ["--compress"]).text.prefix(64))
        let sealed = try Data(contentsOf: work.sealedFile(hash))
        for place in [12, 100_000, sealed.count / 2, sealed.count - 20] {
            var bytes = sealed
            bytes[place] ^= 1
            try bytes.write(to: work.sealedFile(hash))
            try work.mount()
            let file = try FileHandle(forReadingFrom: work.mounted("files/victim"))
            var bad: [Int] = []
            for frame in 0..<40 {
                try file.seek(toOffset: UInt64(frame * Self.frame))
                guard let part = try? file.read(upToCount: Self.frame) else {
                    bad.append(frame)
                    continue
                }
                #expect(part == content[frame * Self.frame..<(frame + 1) * Self.frame])
            }
            // Frames take about half their content: two or three share a chunk of 64 KiB.
            if place == sealed.count - 20 {
                #expect(bad.count == 40)
            } else {
                #expect((1...4).contains(bad.count) && bad.last.map { $0 - bad.count + 1 } == bad.first, "\(bad)")
            }
            try file.close()
            try work.unmount()
            try work.expect(65, ["verify"] + work.unlocking)
            try work.expect(65, ["cat", hash] + work.unlocking)
        }
        try sealed.write(to: work.sealedFile(hash))
        try work.expect(0, ["verify"] + work.unlocking)
    }

    @Test func `a copied mount becomes a store again, which compresses as the old one did`() throws {
        let work = try Workspace()
        try filled(work)
        try work.expect(0, ["compression", "on"])
        try work.mount()
        try Program.shell("cp -r \(work.mountpoint.path) view", in: work.folder)
        try work.unmount()
        try work.expect(0, ["import", "view", "--data-root", "again"] + work.unlocking)
        try work.expect(0, ["verify", "--data-root", "again"] + work.unlocking)
        let compressed = "SELECT sha256 FROM blobs WHERE encoding = 1 ORDER BY sha256"
        let again = try Program.run(
            "/usr/bin/sqlite3", [work.folder.appendingPathComponent("again/osnova.db").path, compressed])
        #expect(try again.text == work.sqlite(compressed) + "\n")
    }

    @Test(arguments: ["size = 7", "size = sealed_size, encoding = 0, sealed_size = NULL", "sealed_size = 9"])
    func `a forged row never shortens a content`(forgery: String) throws {
        let work = try Workspace()
        let content = try work.write("f", prose(400_000, seed: 6))
        try work.put(["f"], options: ["--compress"])
        try work.mount()
        let file = try FileHandle(forReadingFrom: work.mounted("files/f"))
        #expect(try file.read(upToCount: 4096) == content.prefix(4096))
        try file.close()
        try work.sqlite("UPDATE blobs SET \(forgery)")
        let rest = try? Data(contentsOf: work.mounted("files/f"))
        #expect(rest == nil || rest == content)
        try work.remount()
        let fresh = try? Data(contentsOf: work.mounted("files/f"))
        #expect(fresh == nil || fresh == content)
    }
}
