import Foundation
import TestSupport
import Testing

/// The cache of a mounted store: what is read counts, what is over the limit goes, and whoever reads reads on.
@Suite(.serialized, .enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
struct LiveCacheTests {
    /// Entries `ant://0`, `ant://1`, … of 1,000 bytes each, of which the first was used the longest ago.
    private func makeCache(_ count: Int) throws -> Workspace {
        let work = try Workspace()
        for index in 0..<count { try cache(index, work) }
        try work.sqlite("UPDATE autonomi_cache SET last_accessed = 1000 + CAST(substr(autonomi_address, 7) AS INTEGER)")
        return work
    }

    private func cache(_ index: Int, _ work: Workspace, size: Int = 1000) throws {
        try work.write("c\(index)", noise(size, seed: UInt64(index)))
        try work.expect(0, ["cache", "put", "ant://\(index)", "c\(index)"] + work.unlocking)
    }

    private func read(_ index: Int, _ work: Workspace) throws {
        let content = try Data(contentsOf: work.mounted("cache/ant:%2F%2F\(index)"))
        #expect(content == noise(content.count, seed: UInt64(index)))
    }

    private func addresses(_ work: Workspace) throws -> [String] {
        let list = try #require(try work.expect(0, ["cache", "list", "--json"]).json() as? [[String: Any]])
        return list.compactMap { $0["address"] as? String }
    }

    // MARK: Use

    @Test func `a read through the mount is a use of its entry, noted once`() throws {
        let work = try makeCache(3)
        let started = Int(Date().timeIntervalSince1970)
        for _ in 0..<2 {
            try work.mount()
            try read(1, work)
            try work.unmount()
        }
        let used = "SELECT last_accessed, access_count FROM autonomi_cache ORDER BY autonomi_address"
        let rows = try work.sqlite(used).split(separator: "\n").map { $0.split(separator: "|").compactMap { Int($0) } }
        #expect(rows[0] == [1000, 1] && rows[2] == [1002, 1])
        #expect(rows[1][0] >= started && rows[1][1] == 2)
    }

    @Test func `who reads everything uses nothing`() throws {
        let work = try makeCache(20)
        let before = try work.sqlite("SELECT * FROM autonomi_cache")
        for walk in ["find cache -type f -exec cat {} +", "cp -r . ../copy-of-all", "sha256sum -c SHA256SUMS"] {
            try work.mount()
            #expect(try Program.shell(walk, in: work.mountpoint).code == 0, "\(walk)")
            try work.unmount()
            #expect(try work.sqlite("SELECT * FROM autonomi_cache") == before, "\(walk)")
        }
        // Few entries are a walk only where the database is copied with them.
        let small = try makeCache(2)
        let few = try small.sqlite("SELECT * FROM autonomi_cache")
        try small.mount()
        #expect(try Program.shell("cp -r . ../copy-of-all", in: small.mountpoint).code == 0)
        try small.unmount()
        #expect(try small.sqlite("SELECT * FROM autonomi_cache") == few)
    }

    // MARK: The limit

    @Test func `what is over the limit goes, the least recently used first, but nothing that is pinned`() throws {
        let work = try makeCache(4)
        try work.expect(0, ["cache", "pin", "ant://1"])
        try work.expect(66, ["cache", "pin", "ant://9"])
        try work.mount(["-o", "cache_size=4500"])
        // Read now, so it is not the least recently used any more.
        try read(0, work)
        try cache(4, work)
        #expect(eventually { try addresses(work) == ["ant://0", "ant://1", "ant://3", "ant://4"] })
        #expect(
            eventually { try FileManager.default.contentsOfDirectory(atPath: work.mounted("cache").path).count == 4 })
        let blobs = work.root.appendingPathComponent("blobs").path
        #expect(eventually { try FileManager.default.contentsOfDirectory(atPath: blobs).count == 4 })
        let metrics = try String(contentsOf: work.mounted(".osnovafs/metrics"), encoding: .utf8)
        #expect(metrics.contains("\nosnovafs_cache_evicted_total 1\n"))
        let list = try work.expect(0, ["list", "cache"]).lines
        #expect(list.filter { $0.contains(" yes ") }.count == 1)
        try work.expect(0, ["cache", "unpin", "ant://1"])
        // An entry whose content has another name loses its row only.
        try work.put(["c1"])
        try cache(5, work)
        #expect(eventually { try addresses(work) == ["ant://0", "ant://3", "ant://4", "ant://5"] })
        #expect(try Data(contentsOf: work.mounted("files/c1")) == noise(1000, seed: 1))
        try work.expect(0, ["verify"] + work.unlocking)
    }

    @Test func `a cache that is over its limit when it is mounted is evicted from, without a limit nothing is`() throws
    {
        let work = try makeCache(5)
        try work.mount()
        try read(2, work)
        try work.unmount()
        #expect(try addresses(work).count == 5)
        try work.mount(["-o", "cache_size=2000"])
        #expect(eventually { try addresses(work) == ["ant://2", "ant://4"] })
    }

    @Test func `of addresses that merely look the same, those are listed as pinned that are`() throws {
        let work = try makeCache(1)
        let addresses = ["ant://cafe\u{301}", "ant://caf\u{E9}"]
        for address in addresses { try work.expect(0, ["cache", "put", address, "c0"] + work.unlocking) }
        func expectPins(_ pinned: [Bool]) throws {
            let list = try work.expect(0, ["cache", "list", "--json"])
            #expect(try (list.json() as? [[String: Any]])?.map { $0["pinned"] as? Bool } == pinned)
        }
        try work.expect(0, ["cache", "pin", addresses[1]])
        try expectPins([false, false, true])
        try work.expect(0, ["cache", "pin", addresses[0]])
        try expectPins([false, true, true])
    }

    @Test func `a pin is in every copy of the store: a backup, an import`() throws {
        let work = try makeCache(2)
        try work.expect(0, ["cache", "pin", "ant://1"])
        try work.mount()
        try Program.shell("cp -a mnt copy", in: work.folder)
        try work.expect(0, ["import", "copy", "--data-root", "imported"] + work.unlocking)
        try work.expect(0, ["backup", "dest"])
        try work.expect(0, ["restore", "dest", "--data-root", "restored"])
        for root in ["imported", "restored"] {
            let evicted = try work.expect(0, ["cache", "evict", "--max-size", "0", "--json", "--data-root", root])
            #expect(try (evicted.json() as? [String: Any])?["entries"] as? Int == 1, "\(root)")
            let list = try work.expect(0, ["cache", "list", "--json", "--data-root", root])
            #expect(try (list.json() as? [[String: Any]])?.map { $0["pinned"] as? Bool } == [true], "\(root)")
        }
    }

    // MARK: Readers

    enum Remover: CaseIterable { case gc, evict, mount }

    @Test(arguments: Remover.allCases) func `who has a removed content open reads it to its end, then its room is free`(
        remover: Remover
    ) throws {
        let work = try Workspace()
        let content = noise(6 << 20, seed: 7)
        try cache(7, work, size: content.count)
        let hash = try #require(try work.sqlite("SELECT blob_hash FROM autonomi_cache").split(separator: "\n").first)
        let sealed = work.sealedFile(String(hash))
        if remover == .mount { try work.expect(0, ["cache", "pin", "ant://7"]) }
        try work.mount(remover == .mount ? ["-o", "cache_size=0"] : [])
        let file = open(work.mounted("cache/ant:%2F%2F7").path, O_RDONLY)
        try #require(file >= 0)
        let idle = open(work.mounted("blobs/\(hash)").path, O_RDONLY)
        try #require(idle >= 0)
        #expect(pieces(of: file, 0..<1) == content.prefix(65_536))
        switch remover {
        case .gc:
            try work.sqlite("DELETE FROM autonomi_cache")
            #expect(try work.expect(0, ["gc", "--grace", "0"]).text.contains("removed 1 blobs"))
        case .evict: try work.expect(0, ["cache", "evict", "--max-size", "0"])
        case .mount: try work.expect(0, ["cache", "unpin", "ant://7"])
        }
        #expect(eventually { !FileManager.default.fileExists(atPath: sealed.path) })
        #expect(eventually { !FileManager.default.fileExists(atPath: work.mounted("blobs/\(hash)").path) })
        for _ in 0..<2 {
            // Without what the kernel has of it, so that the driver is asked.
            posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
            #expect(pieces(of: file, 0..<97) == content)
        }
        #expect(pieces(of: idle, 40..<41) == content[40 * 65_536..<41 * 65_536])
        let driver = try #require(try work.drivers().first)
        let held = { try Program.shell("ls -l /proc/\(driver)/fd | grep -c '\(hash).enc (deleted)'").text != "0\n" }
        // Another user's process does not show its files.
        if geteuid() == 0 { #expect(try held()) }
        close(file)
        close(idle)
        if geteuid() == 0 { #expect(eventually { try !held() }, "its room is free") }
        try work.expect(0, ["verify"] + work.unlocking)
    }

    /// Pieces of 64 KiB of an open file, as far as it reads.
    private func pieces(of file: Int32, _ range: Range<Int>) -> Data {
        var data = Data()
        var piece = [UInt8](repeating: 0, count: 65_536)
        for index in range {
            let count = pread(file, &piece, piece.count, off_t(index * piece.count))
            if count <= 0 { break }
            data.append(contentsOf: piece.prefix(count))
        }
        return data
    }
}
