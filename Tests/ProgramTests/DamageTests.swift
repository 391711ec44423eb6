import Foundation
import TestSupport
import Testing

/// Damaged files and forged rows: EIO and exit 65, never wrong bytes, and everything else still reads.
@Suite(.serialized, .enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
struct DamageTests {
    private static let size = 5 * 65_536 + 1234

    /// Flips one bit of a sealed file.
    private func flip(_ file: URL, at offset: Int) throws {
        var bytes = try Data(contentsOf: file)
        bytes[offset] ^= 0x20
        try bytes.write(to: file)
    }

    private func isReadable(_ url: URL, _ content: Data, chunk: Int) throws -> Bool {
        let range = chunk * 65_536..<min(content.count, (chunk + 1) * 65_536)
        let file = try FileHandle(forReadingFrom: url)
        defer { try? file.close() }
        try file.seek(toOffset: UInt64(range.lowerBound))
        guard let read = try? file.read(upToCount: range.count) else { return false }
        #expect(read == content[range], "wrong bytes in chunk \(chunk)")
        return true
    }

    private func damagedHashes(_ work: Workspace) throws -> [String] {
        let outcome = try work.expect(65, ["verify", "--json"] + work.unlocking)
        let report = try #require(try outcome.json() as? [String: Any])
        return try #require(report["damaged"] as? [[String: String]]).compactMap { $0["sha256"] }
    }

    @Test(arguments: 0...7) func `a flipped bit costs its chunk and nothing else`(place: Int) throws {
        let work = try Workspace()
        let content = try work.write("victim", noise(Self.size, seed: 1))
        let other = try work.write("other", noise(100_000, seed: 2))
        let hash = String(try work.put(["victim", "other"]).text.prefix(64))
        // 0...5: a byte of that chunk; 6: the file's tag, which belongs to the last chunk; 7: the nonce, to all.
        let offset = place <= 5 ? 12 + place * 65_536 + 777 : place == 6 ? Self.size + 12 + 5 : 3
        try flip(work.sealedFile(hash), at: offset)
        try work.mount()
        for chunk in 0...5 {
            let isBad = place == 7 || chunk == min(place, 5)
            #expect(try isReadable(work.mounted("files/victim"), content, chunk: chunk) == !isBad, "chunk \(chunk)")
        }
        #expect(try Data(contentsOf: work.mounted("files/other")) == other)
        #expect(try damagedHashes(work) == [hash])
        #expect(try work.run(["cat", hash] + work.unlocking).code == 65)
    }

    @Test(arguments: ["cut by one", "cut to a chunk", "cut to nothing", "longer by one"])
    func `a file of the wrong length is not read at all`(way: String) throws {
        let work = try Workspace()
        try work.write("victim", noise(Self.size, seed: 1))
        let hash = String(try work.put(["victim"]).text.prefix(64))
        var bytes = try Data(contentsOf: work.sealedFile(hash))
        switch way {
        case "cut by one": bytes.removeLast()
        case "cut to a chunk": bytes = bytes.prefix(12 + 65_536)
        case "cut to nothing": bytes = Data()
        default: bytes.append(0)
        }
        try bytes.write(to: work.sealedFile(hash))
        try work.mount()
        #expect(throws: (any Error).self) { try Data(contentsOf: work.mounted("files/victim")) }
        #expect(try damagedHashes(work) == [hash])
    }

    @Test func `swapped files, a missing file and forged tags give EIO and are named by verify`() throws {
        let work = try Workspace()
        for name in ["a", "b", "gone", "forged", "sound"] {
            try work.write(name, noise(70_000, seed: UInt64(name.utf8.count) &+ UInt64(name.utf8.first ?? 0)))
        }
        let lines = try work.put(["a", "b", "gone", "forged", "sound"]).lines
        let hash = lines.map { String($0.prefix(64)) }
        try Program.shell(
            "mv \(hash[0]).enc t; mv \(hash[1]).enc \(hash[0]).enc; mv t \(hash[1]).enc; rm \(hash[2]).enc",
            in: work.root.appendingPathComponent("blobs"))
        try work.sqlite(
            """
            UPDATE blob_tags SET tags = zeroblob(length(tags)) WHERE position >> 16 =
                (SELECT id FROM blobs WHERE sha256 = '\(hash[3])')
            """)
        try work.mount()
        for name in ["a", "b", "gone", "forged"] {
            #expect(throws: (any Error).self, "\(name)") { try Data(contentsOf: work.mounted("files/\(name)")) }
        }
        #expect(try Data(contentsOf: work.mounted("files/sound")).count == 70_000)
        let outcome = try work.expect(65, ["verify", "--json"] + work.unlocking)
        let report = try #require(try outcome.json() as? [String: Any])
        let damaged = try #require(report["damaged"] as? [[String: String]]).compactMap { $0["sha256"] }
        #expect(Set(damaged) == [hash[0], hash[1], hash[3]])
        #expect(report["missing"] as? [String] == [hash[2]])
    }

    @Test(arguments: ["mkfifo", "mkdir", "ln -s /etc/passwd", "ln -s sound.enc"])
    func `what is no regular file in a blob's place is damage, and nobody waits for it`(maker: String) throws {
        let work = try Workspace()
        try work.write("f", noise(1000, seed: 1))
        let hash = String(try work.put(["f"]).text.prefix(64))
        let blobs = work.root.appendingPathComponent("blobs")
        try Program.shell("mv \(hash).enc sound.enc && \(maker) \(hash).enc", in: blobs)
        try work.mount()
        #expect(throws: (any Error).self) { try Data(contentsOf: work.mounted("files/f")) }
        #expect(try work.run(["cat", hash] + work.unlocking).code == 65)
        #expect(try damagedHashes(work) == [hash])
    }

    @Test func `damage that comes while the store is mounted is found, and so is its repair`() throws {
        let work = try Workspace()
        let content = try work.write("victim", noise(Self.size, seed: 4))
        let hash = String(try work.put(["victim"]).text.prefix(64))
        let sealed = try Data(contentsOf: work.sealedFile(hash))
        try work.mount()
        let victim = work.mounted("blobs/\(hash)")
        #expect(try isReadable(victim, content, chunk: 0))
        // In place, as a failing disk does it; the file stays open in the driver.
        let file = try FileHandle(forWritingTo: work.sealedFile(hash))
        try file.truncate(atOffset: UInt64(sealed.count - 1))
        #expect(try !isReadable(victim, content, chunk: 5))
        try file.seek(toOffset: 0)
        try file.write(contentsOf: sealed)
        #expect(try isReadable(victim, content, chunk: 5))
    }

    @Test func `a put heals what is damaged or missing`() throws {
        let work = try Workspace()
        let content = try work.write("f", noise(200_000, seed: 6))
        let hash = String(try work.put(["f"]).text.prefix(64))
        try work.mount()
        try flip(work.sealedFile(hash), at: 100_000)
        #expect(throws: (any Error).self) { try Data(contentsOf: work.mounted("files/f")) }
        try work.put(["f"])
        try work.expect(0, ["verify"] + work.unlocking)
        #expect(try Data(contentsOf: work.mounted("files/f")) == content)
        try work.sqlite("UPDATE blob_tags SET tags = zeroblob(length(tags))")
        try work.put(["f"])
        try work.expect(0, ["verify"] + work.unlocking)
        try Data("short".utf8).write(to: work.sealedFile(hash))
        try work.put(["f"])
        try work.expect(0, ["verify"] + work.unlocking)
        try FileManager.default.removeItem(at: work.sealedFile(hash))
        try work.put(["f"])
        try work.expect(0, ["verify"] + work.unlocking)
        #expect(try work.expect(0, ["cat", hash] + work.unlocking).output == content)
    }

    @Test func `a full disk in the middle of a put loses nothing and leaves nothing`() throws {
        let work = try Workspace(initialize: false)
        try FileManager.default.createDirectory(at: work.root, withIntermediateDirectories: true)
        let mounted = try Program.shell("mount -t tmpfs -o size=4m tmpfs \(work.root.path)")
        try #require(mounted.code == 0, "this test needs root: \(mounted.errors)")
        defer { _ = try? Program.shell("umount -l \(work.root.path)") }
        try work.expect(0, ["init"] + work.unlocking)
        try work.write("small", noise(50_000, seed: 1))
        try work.write("huge", noise(20 << 20, seed: 2))
        try work.put(["small"])
        let outcome = try work.expect(74, ["put", "huge"] + work.unlocking)
        #expect(outcome.errors.contains("space"), "\(outcome.errors)")
        let files = try FileManager.default.contentsOfDirectory(atPath: work.root.path + "/blobs")
        #expect(files.count == 1, "\(files)")
        try work.expect(0, ["verify"] + work.unlocking)
    }

    /// As root fills it to the last block; also beside a mount, which has the database open already.
    @Test(
        .enabled(if: LoopDisk.kinds.contains(.ext4), "SKIPPED: no disk was filled, \(LoopDisk.obstacle)"),
        arguments: [false, true])
    func `a full disk is listed, read and cleaned up`(isMounted: Bool) throws {
        let disk = try LoopDisk(.ext4)
        let work = try Workspace(initialize: false)
        try FileManager.default.createSymbolicLink(at: work.root, withDestinationURL: disk.mountpoint)
        try work.expect(0, ["init"] + work.unlocking)
        for number in 0..<600 { try work.write("small/\(number)", noise(900, seed: UInt64(number))) }
        try work.write("kept", noise(50_000, seed: 1_000))
        try work.write("cached", noise(50_000, seed: 1_001))
        try work.put(["small", "kept"], options: ["-r"])
        let address = String(repeating: "0", count: 64)
        try work.expect(0, ["cache", "put", address, "cached"] + work.unlocking)
        if isMounted { try work.mount() }
        let filling = ["1M", "4k", "512"].map {
            "dd if=/dev/zero of=disk/filler-\($0) bs=\($0) status=none 2>&1 || sync -f disk"
        }
        try disk.shell(filling.joined(separator: "; "))
        try work.expect(0, ["list"])
        if isMounted {
            let read = try Program.shell(
                "ls -lR > ../listed && cat osnova.db SHA256SUMS files/kept > ../read", in: work.mountpoint)
            #expect(read.code == 0, "\(read.errors)")
        }
        let refused = try work.expect(74, ["put", "kept"] + work.unlocking)
        #expect(refused.errors.contains("make room"), "\(refused.errors)")
        try work.expect(0, ["file", "remove", "small", "--recursive"])
        #expect(try work.expect(0, ["cache", "evict", "--max-size", "0"]).text.contains("evicted 1 entr"))
        #expect(try work.expect(0, ["gc", "--grace", "0"]).text.contains("removed 600 blobs"))
        if isMounted { try work.unmount() }
        try work.put(["kept"])
        try work.expect(0, ["verify"] + work.unlocking)
    }

    /// Its blocks are of 1 KiB, and what a put leaves of `osnova.db-shm` has holes, into which SQLite writes by way of memory.
    @Test(.enabled(if: LoopDisk.kinds.contains(.ext4), "SKIPPED: no disk was filled, \(LoopDisk.obstacle)"))
    func `no write into memory ends a command on a full disk`() throws {
        let disk = try LoopDisk(.ext4)
        let work = try Workspace(initialize: false)
        try FileManager.default.createSymbolicLink(at: work.root, withDestinationURL: disk.mountpoint)
        try work.expect(0, ["init"] + work.unlocking)
        try work.write("f", noise(5000, seed: 1))
        try work.put(["f"])
        let filling = ["1M", "1k"].map {
            "dd if=/dev/zero of=disk/filler-\($0) bs=\($0) status=none 2>&1 || sync -f disk"
        }
        try disk.shell(filling.joined(separator: "; "))
        #expect(try work.expect(0, ["list"]).lines.count == 1)
        try work.expect(0, ["file", "remove", "f"])
        #expect(try work.expect(0, ["gc", "--grace", "0"]).text.contains("removed 1 blobs"))
    }

    @Test func `a table of chunk tags that is damaged is told blob by blob`() throws {
        let work = try Workspace()
        for number in 1...3 { try work.write("f\(number)", noise(20_000, seed: UInt64(number))) }
        try work.put(["f1", "f2", "f3"])
        try work.sqlite("PRAGMA wal_checkpoint(TRUNCATE)")
        let page = try #require(Int(work.sqlite("SELECT rootpage FROM sqlite_schema WHERE name = 'blob_tags'")))
        let size = try #require(Int(work.sqlite("PRAGMA page_size")))
        let database = try FileHandle(forUpdating: work.root.appendingPathComponent("osnova.db"))
        try database.seek(toOffset: UInt64((page - 1) * size))
        try database.write(contentsOf: Data(repeating: 0xA5, count: size))
        try database.close()
        let report = try #require(
            try work.expect(65, ["verify", "--json"] + work.unlocking).json() as? [String: Any])
        #expect((report["damaged"] as? [Any])?.count == 3 && report["database"] as? String != "ok", "\(report)")
    }

    @Test func `a put that was killed in the middle leaves nothing but a temporary, and the next one not even that`()
        throws
    {
        let work = try Workspace()
        let fifo = work.folder.appendingPathComponent("fifo").path
        try Program.shell("mkfifo \(fifo)")
        let blobs = work.root.appendingPathComponent("blobs").path
        let started = try Program.shell(
            """
            OSNOVA_DATA_ROOT=\(work.root.path) \(Program.path) put --phrase-file \(work.phraseFile.path) - <\(fifo) &
            put=$!; exec 9>\(fifo); head -c 5000000 /dev/zero >&9
            writing() { ls -lL /proc/$put/fd/* | grep -c ' 0 .* [1-9][0-9]\\{6\\} '; }
            for i in $(seq 500); do [ "$(writing)" != 0 ] && break; sleep 0.01; done
            writing; kill -9 $put; wait $put; ls -A \(blobs)
            """)
        #expect(started.lines.first == "1", "it was writing: \(started.text) \(started.errors)")
        #expect(started.lines.dropFirst().allSatisfy { $0.hasPrefix(".incoming-") }, "\(started.text)")
        try work.write("f", Data("x".utf8))
        try work.put(["f"])
        let left = try FileManager.default.contentsOfDirectory(atPath: blobs)
        #expect(left.count == 1 && left.allSatisfy { $0.hasSuffix(".enc") }, "\(left)")
    }

    @Test func `the same content put by eight processes at once is stored once and sound`() throws {
        let work = try Workspace()
        try work.write("f", noise(3_000_000, seed: 8))
        let all = try Program.shell(
            """
            export OSNOVA_DATA_ROOT=\(work.root.path); cd \(work.folder.path)
            for i in 1 2 3 4 5 6 7 8; do \(Program.path) put --phrase-file phrase f --as copy-$i & done; wait
            """)
        #expect(all.lines.count == 8 && Set(all.lines.map { $0.prefix(64) }).count == 1, "\(all.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: work.root.path + "/blobs").count == 1)
        let verify = try #require(try work.expect(0, ["verify", "--json"] + work.unlocking).json() as? [String: Any])
        #expect(verify["checked"] as? Int == 1 && verify["ok"] as? Int == 1)
        #expect(try work.sqlite("SELECT links FROM blobs") == "8")
    }
}
