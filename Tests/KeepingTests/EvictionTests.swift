import Catalog
import Foundation
import OsnovaStorage
import Primitives
import TestSupport
import Testing

/// The least recently used go first, and nothing that something else needs.
struct EvictionTests {
    private func addresses(_ report: EvictionReport) -> [String] {
        report.evicted.map { String(decoding: $0.address, as: UTF8.self) }
    }

    @Test func `the least recently used entries go until the rest is small enough`() throws {
        let work = try TestStore()
        for number in 0..<5 {
            try work.cache(noise(1000, seed: UInt64(number)), at: "ant://\(number)", lastUsed: Int64(100 - number))
        }
        let report = try CacheEviction(store: work.store).run(downTo: 2500)
        #expect(addresses(report) == ["ant://4", "ant://3", "ant://2"])
        #expect(report.evicted.map(\.isFreed) == [true, true, true])
        #expect(report.entriesLeft == 2 && report.bytesLeft == 2000)
        #expect(try work.store.catalog.read { try $0.cacheEntries().map(\.address) } == ["ant://0", "ant://1"])
        #expect(try Verification(store: work.store).run().isSound)
        #expect(try CacheEviction(store: work.store).run(downTo: 2500).evicted.isEmpty)
    }

    @Test func `a content that has another name loses its entry only`() throws {
        let work = try TestStore()
        let id = try work.cache(noise(1000, seed: 1), at: "ant://x", lastUsed: 1)
        try work.put(noise(1000, seed: 1), as: "mine")
        let report = try CacheEviction(store: work.store).run(downTo: 0)
        #expect(report.evicted.map(\.isFreed) == [false])
        #expect(try work.content(id) == noise(1000, seed: 1))
    }

    @Test func `entries of one content count once and free it with the last`() throws {
        let work = try TestStore()
        let id = try work.cache(noise(1000, seed: 1), at: "ant://a", lastUsed: 1)
        try work.cache(noise(1000, seed: 1), at: "ant://b", lastUsed: 2)
        #expect(try CacheEviction(store: work.store).run(downTo: 1000).evicted.isEmpty)
        #expect(try CacheEviction(store: work.store).run(downTo: 999).evicted.map(\.isFreed) == [true, true])
        #expect(!work.hasFile(id))
    }

    @Test func `the artifact of an installed component stays`() throws {
        let work = try TestStore()
        let id = try work.cache(noise(1000, seed: 1), at: "local:c@1.0.0", lastUsed: 1)
        let manifest = #"{"id":"c","name":"c","version":"1.0.0","kind":"backend"}"#
        _ = try Installer(store: work.store)
            .installComponent(manifest: Array(manifest.utf8), source: "m", artifact: nil)
        #expect(try CacheEviction(store: work.store).run(downTo: 0).evicted.isEmpty)
        try Installer(store: work.store).removeComponent("c")
        #expect(try CacheEviction(store: work.store).run(downTo: 0).evicted.count == 1)
        #expect(!work.hasFile(id))
    }

    @Test func `sizes that a foreign program forged do no harm`() throws {
        let work = try TestStore()
        for (number, size) in ["9223372036854775807", "9223372036854775807", "-5", "'much'"].enumerated() {
            try work.sql(
                """
                INSERT INTO autonomi_cache(autonomi_address, content_hash, blob_hash, size, data_type, cached_at,
                    last_accessed) VALUES ('ant://\(number)', 'x', 'no hash \(number)', \(size), 'file', 1, \(number))
                """)
        }
        let report = try CacheEviction(store: work.store).run(downTo: 100)
        #expect(addresses(report) == ["ant://0", "ant://1"])
        #expect(report.evicted.allSatisfy { !$0.isFreed })
        #expect(report.bytesLeft == 0)
    }
}
