import Catalog
import Foundation
import OsnovaStorage
import Primitives
import SystemPackage
import TestSupport
import Testing

/// Pinned cache entries, and the order in which the others are evicted whatever the clock says.
struct PinTests {
    private func addresses(_ work: TestStore) throws -> [String] {
        try work.store.catalog.read { try $0.cacheEntries().map(\.address) }
    }

    @Test func `a pinned entry is never evicted, also when its content is cached anew`() throws {
        let work = try TestStore()
        let pinned = try work.cache(noise(1000, seed: 1), at: "ant://p", lastUsed: 1)
        try work.cache(noise(1000, seed: 2), at: "ant://q", lastUsed: 2)
        #expect(try work.store.catalog.write { try $0.pinCacheEntry("ant://p") })
        #expect(try !work.store.catalog.write { try $0.pinCacheEntry("ant://p") })
        #expect(throws: OsnovaError.self) { try work.store.catalog.write { _ = try $0.pinCacheEntry("ant://nothing") } }
        #expect(try CacheEviction(store: work.store).run(downTo: 0).evicted.count == 1)
        #expect(try addresses(work) == ["ant://p"] && work.hasFile(pinned))
        try work.sql("DELETE FROM autonomi_cache")
        try work.cache(noise(1000, seed: 3), at: "ant://p", lastUsed: 1)
        #expect(try CacheEviction(store: work.store).run(downTo: 0).evicted.isEmpty)
        #expect(try work.store.statistics().pinnedEntries == 1)
        #expect(try work.store.catalog.write { try $0.unpinCacheEntry("ant://p") })
        #expect(try CacheEviction(store: work.store).run(downTo: 0).evicted.count == 1)
    }

    @Test func `an address that a foreign program bound as bytes is pinned all the same`() throws {
        let work = try TestStore()
        try work.cache(noise(1000, seed: 1), at: "ant://p", lastUsed: 1)
        try work.store.catalog.write { _ = try $0.pinCacheEntry("ant://p") }
        try work.sql("UPDATE autonomi_cache SET autonomi_address = CAST(autonomi_address AS BLOB)")
        #expect(try CacheEviction(store: work.store).run(downTo: 0).evicted.isEmpty)
    }

    @Test func `a backup keeps pins`() throws {
        let work = try TestStore()
        try work.cache(noise(1000, seed: 1), at: "ant://p", lastUsed: 1)
        try work.store.catalog.write { _ = try $0.pinCacheEntry("ant://p") }
        let dest = work.folder.path("backup")
        _ = try Backup(store: work.store, to: dest).run()
        let root = DataRoot(path: work.folder.path("restored"))
        _ = try Restore(backup: dest, to: root).run()
        let restored = try Store.open(at: root, keys: work.keys)
        #expect(try restored.catalog.read { try $0.pinnedAddresses() } == ["ant://p"])
        #expect(try CacheEviction(store: restored).run(downTo: 0).evicted.isEmpty)
    }
}

struct CacheUseTests {
    private func lastAccessed(_ work: TestStore) throws -> [String: Int64] {
        try work.store.catalog.read { reading in
            Dictionary(try reading.cacheEntries().map { ($0.address, $0.lastAccessed) }, uniquingKeysWith: max)
        }
    }

    private func use(_ address: String, _ work: TestStore, coarseness: Int64 = 86_400) throws -> Int {
        try work.store.catalog.write {
            try $0.recordUse([(Array(address.utf8), Clock.seconds)], coarseness: coarseness)
        }
    }

    @Test func `a use is noted once a day`() throws {
        let work = try TestStore()
        try work.cache(noise(100, seed: 1), at: "a", lastUsed: Clock.seconds - 90_000)
        try work.cache(noise(100, seed: 2), at: "b", lastUsed: Clock.seconds - 80_000)
        let before = Clock.seconds
        #expect(try use("a", work) == 1 && use("a", work) == 0 && use("b", work) == 0 && use("nothing", work) == 0)
        #expect(try use("b", work, coarseness: 0) == 1)
        #expect(try lastAccessed(work).values.allSatisfy { $0 >= before })
        #expect(try work.store.catalog.read { try $0.cacheEntry("a")?.accessCount } == 2)
    }

    @Test func `what is used by a clock that was set back is not evicted before what was used earlier`() throws {
        let work = try TestStore()
        // Seen by a clock that is a year behind, these are of the future.
        let year: Int64 = 365 * 86_400
        for (number, address) in ["a", "b", "c"].enumerated() {
            try work.cache(
                noise(1000, seed: UInt64(number)), at: address,
                lastUsed: Clock.seconds + year + Int64(number) * 200_000)
        }
        #expect(try use("a", work) == 1)
        let path = try work.folder.write("d", noise(1000, seed: 9))
        _ = try Installer(store: work.store).cache("d", content: FilePath(path), dataType: "file")
        let report = try CacheEviction(store: work.store).run(downTo: 3000)
        #expect(report.evicted.map { String(decoding: $0.address, as: UTF8.self) } == ["b"])
    }

    @Test(arguments: ["'x'", "9223372036854775807", "-1", "x'00'", "1e300"])
    func `a time that a foreign program forged does no harm`(time: String) throws {
        let work = try TestStore()
        try work.cache(noise(1000, seed: 1), at: "forged", lastUsed: 1)
        try work.cache(noise(1000, seed: 2), at: "b", lastUsed: 2)
        let forged = "UPDATE autonomi_cache SET last_accessed = \(time) WHERE autonomi_address = 'forged'"
        try work.sql(forged)
        try work.sql("UPDATE autonomi_cache SET access_count = 9223372036854775807 WHERE autonomi_address = 'forged'")
        #expect(try use("forged", work) == 1)
        let noted = try #require(try lastAccessed(work)["forged"])
        #expect(abs(noted - Clock.seconds) < 100)
    }

    @Test func `the cache's bytes are those that an eviction counts`() throws {
        let work = try TestStore()
        try work.cache(noise(1000, seed: 1), at: "a", lastUsed: 1)
        try work.cache(noise(1000, seed: 1), at: "b", lastUsed: 1)
        try work.cache(noise(500, seed: 2), at: "c", lastUsed: 1)
        try work.sql(
            """
            INSERT INTO autonomi_cache(autonomi_address, content_hash, blob_hash, size, data_type, cached_at,
                last_accessed) VALUES ('w', 'x', 'none yet', 70, 'file', 1, 3), ('x', 'x', 'nothing', 'much', 'file', 1, 3),
                ('y', 'x', 'forged', -5, 'file', 1, 3)
            """)
        #expect(try work.store.catalog.read { try $0.cachedBytes() } == 1570)
        #expect(try CacheEviction(store: work.store).run(downTo: 1570).evicted.isEmpty)
        #expect(try !CacheEviction(store: work.store).run(downTo: 1569).evicted.isEmpty)
        try work.sql("UPDATE autonomi_cache SET size = 9223372036854775807, blob_hash = 'n' || autonomi_address")
        #expect(try work.store.catalog.read { try $0.cachedBytes() } > 1 << 62)
    }
}
