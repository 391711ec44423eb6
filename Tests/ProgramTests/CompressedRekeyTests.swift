import Foundation
import TestSupport
import Testing

/// A store with contents of both kinds gets another key under a mount, and is killed over it.
@Suite(.serialized, .enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
struct CompressedRekeyTests {
    private static let encodings = "SELECT sha256, size, encoding, sealed_size FROM blobs ORDER BY sha256"
    private let byNew = ["--phrase-file", "new"]

    /// Contents of both kinds; their hashes, and what the table of blobs says of them.
    private func filled(_ work: Workspace) throws -> (hashes: [String], rows: String) {
        try work.write("new", Data(Workspace.otherWords.utf8))
        try work.write("in/text", prose(700_000, seed: 1))
        try work.write("in/large", prose(5_000_000, seed: 2))
        try work.write("in/noise", noise(400_000, seed: 4))
        try work.write("in/small", Data("small".utf8))
        try work.write("in/zeros", Data(count: 2_000_000))
        let hashes = try work.put(["in"], options: ["-r", "--compress"]).lines.map { String($0.prefix(64)) }
        #expect(try work.sqlite("SELECT count(*) FROM blobs WHERE encoding = 1") == "3")
        return (hashes, try work.sqlite(Self.encodings))
    }

    /// Reads each content through the mount, past the kernel's pages, under the name that is its SHA-256.
    private func expectMounted(_ work: Workspace, _ hashes: [String], _ place: String) throws {
        for hash in hashes {
            // A name that was lost and met anew may be refused for a moment; other bytes never come.
            let read = "set -o pipefail; dd if=mnt/blobs/\(hash) bs=1M iflag=nocache status=none | sha256sum"
            let isRead = eventually {
                let outcome = try Program.shell(read, in: work.folder)
                if outcome.code == 0 { #expect(outcome.text.hasPrefix(hash), "\(hash) \(place)") }
                return outcome.code == 0
            }
            #expect(isRead, "\(hash) \(place)")
        }
    }

    private func expectStored(_ work: Workspace, _ hashes: [String], by opening: [String], _ place: String) throws {
        for hash in hashes {
            let content = try work.expect(0, ["cat", hash] + opening).output
            try work.write("out", content)
            #expect(try Program.shell("sha256sum <out", in: work.folder).text.hasPrefix(hash), "\(hash) \(place)")
        }
        try work.expect(0, ["verify"] + opening)
    }

    @Test func `killed again and again, with rows lost on the way, it loses nothing to a mount or to either phrase`()
        throws
    {
        let work = try Workspace()
        let (hashes, rows) = try filled(work)
        try work.mount()
        try expectMounted(work, hashes, "before")
        var point = 4
        var kills = 0
        var isOver = false
        while !isOver {
            let outcome = try work.run(
                ["rekey", "--new-phrase-file", "new"] + work.unlocking, environment: ["OSNOVAFS_CRASH_AT": "\(point)"])
            #expect([0, -9].contains(outcome.code), "point \(point): \(outcome.errors)")
            kills += outcome.code == 0 ? 0 : 1
            isOver = try work.run(["unlock"] + work.unlocking).code == 77
            let lost = hashes[point % hashes.count]
            try work.sqlite(
                """
                DELETE FROM nodes WHERE blob = (SELECT id FROM blobs WHERE sha256 = '\(lost)');
                DELETE FROM blobs WHERE sha256 = '\(lost)'
                """)
            try expectMounted(work, hashes, "point \(point)")
            if !isOver { try expectStored(work, hashes, by: work.unlocking, "point \(point)") }
            if try work.run(["unlock"] + byNew).code == 0 {
                try expectStored(work, hashes, by: byNew, "point \(point), new phrase")
            }
            #expect(try work.sqlite(Self.encodings) == rows, "point \(point)")
            point += 5
        }
        #expect(kills > 3)
        try work.sqlite("DELETE FROM nodes WHERE blob IS NOT NULL; DELETE FROM blobs; DELETE FROM blob_tags")
        // Until the kernel has heard of it, a name stands for the removed blob, which is read on.
        let isBack = eventually {
            try expectMounted(work, hashes, "after the end")
            return try work.sqlite(Self.encodings) == rows
        }
        #expect(isBack)
        try work.expect(0, ["verify"] + byNew)
        try work.unmount()
        try work.expect(0, ["mount", work.mountpoint.path] + byNew)
        try expectMounted(work, hashes, "mounted anew")
    }

    @Test func `a reader of a live mount sees the same bytes of both kinds through several rekeys`() throws {
        let work = try Workspace()
        let (_, rows) = try filled(work)
        try work.mount()
        try work.write("sums", try Program.shell("cd in; sha256sum *", in: work.folder).output)
        let reader = Process()
        reader.executableURL = URL(fileURLWithPath: "/bin/bash")
        reader.currentDirectoryURL = work.folder
        reader.arguments = [
            "-c",
            """
            while [ ! -e stop ]; do
                while read -r sum name; do
                    found=$(dd if="mnt/files/in/$name" bs=1M iflag=nocache status=none 2>>failed | sha256sum)
                    [ "${found%% *}" = "$sum" ] || echo "$name" >>failed
                done <sums
                echo round >>rounds
            done
            """,
        ]
        try reader.run()
        var files = ["phrase", "new"]
        for _ in 0..<4 {
            try work.expect(0, ["rekey", "--phrase-file", files[0], "--new-phrase-file", files[1]])
            #expect(try work.sqlite(Self.encodings) == rows)
            files.swapAt(0, 1)
        }
        try work.write("stop", Data())
        reader.waitUntilExit()
        #expect(try Program.shell("cat failed 2>/dev/null", in: work.folder).text == "")
        #expect(try Program.shell("wc -l <rounds", in: work.folder).text != "0\n")
        try work.expect(0, ["verify", "--phrase-file", files[0]])
    }
}
