import Catalog
import Foundation
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import OsnovaStorage

@Suite struct VerificationTests {
    private func verify(_ yard: Yard) throws -> VerificationReport { try Verification(store: yard.store).run() }

    @Test func `a sound store is sound, and every byte of it was read`() throws {
        let yard = try Yard()
        try yard.put([noise(0, seed: 1), noise(100_000, seed: 2), noise(2_000_000, seed: 3)])
        let bytes = Atomic(0)
        let report = try Verification(store: yard.store) { bytes.add($0, ordering: .relaxed) }.run()
        #expect(report.isSound && report.checked == 3 && report.ok == 3 && report.untracked == [])
        #expect(bytes.load(ordering: .relaxed) == 2_100_000)
    }

    @Test func `each thing that is wrong is told by its name`() throws {
        let yard = try Yard()
        let ids = try yard.put((0..<6).map { noise(100_000, seed: UInt64($0)) }).map(\.id)
        try yard.flip(ids[0], at: 50_000)
        try FileManager.default.removeItem(atPath: yard.sealedPath(ids[1]))
        try yard.foreign(
            """
            UPDATE blob_tags SET tags = zeroblob(length(tags))
                WHERE position >> 16 = (SELECT id FROM blobs WHERE sha256 = '\(ids[2])');
            UPDATE blobs SET size = 99999 WHERE sha256 = '\(ids[3])';
            INSERT INTO autonomi_cache VALUES ('a', 'h', '\(String(repeating: "0", count: 64))', 1, 't', 1, 1, 1);
            """)
        let orphan = try yard.plant(Data("orphan".utf8))
        let broken = try yard.plant(Data("broken".utf8))
        try yard.flip(broken)
        try yard.folder.write("root/blobs/stranger", Data())
        try yard.plant(noise(100_000, seed: 5))
        let report = try verify(yard)
        #expect(Set(report.damaged.map(\.sha256)) == Set([ids[0], ids[2], ids[3], broken].map(\.hex)))
        #expect(report.missing == [String(repeating: "0", count: 64), ids[1].hex].sorted())
        #expect(report.untracked == [orphan.hex, "stranger"].sorted())
        #expect(report.checked == 7 && report.ok == 3, "two sound ones, one of them sealed anew, and the orphan")
        #expect(!report.isSound && report.database == "ok")
        #expect(try verify(yard).damaged == report.damaged, "to verify changes nothing")
    }

    @Test(arguments: [nil, 1])
    func `what a collection removes meanwhile is not missing`(since seconds: Int64?) throws {
        let yard = try Yard()
        // The largest is looked at first, and read in any case: when the collection comes, all are listed.
        try yard.put((0..<300).map { noise(50_000 - $0, seed: UInt64($0)) })
        try yard.foreign("UPDATE blobs SET verified_at = NULL WHERE size = 50000")
        let store = yard.store
        let removed = Mutex<Result<Int, any Error>?>(nil)
        let verification = Verification(store: store, scope: VerificationScope(notVerifiedSince: seconds)) { _ in
            removed.withLock { removed in
                removed = removed ?? Result { try GarbageCollection(store: store).run(grace: 0).removed.count }
            }
        }
        let report = try verification.run()
        #expect(try removed.withLock { try $0?.get() } == 300)
        #expect(report.missing == [] && report.damaged == [] && report.isSound)
    }

    @Test func `rows that refer to nothing are the database's finding`() throws {
        let yard = try Yard()
        try yard.foreign("INSERT INTO component_registry VALUES ('nobody', '1', 1, 'e', 'running', 1, 1, 0)")
        let report = try verify(yard)
        #expect(!report.isSound && report.database.contains("component_registry"))
    }

    @Test func `a row that its table does not allow is the database's finding`() throws {
        let yard = try Yard()
        try yard.put([noise(1000, seed: 1)])
        try yard.foreign("PRAGMA ignore_check_constraints = 1; UPDATE blobs SET created_at = 1, size = -5")
        #expect(try verify(yard).database.contains("CHECK constraint failed in blobs"))
        #expect(try yard.store.catalog.check().findings.contains { $0.contains("CHECK constraint failed in blobs") })
    }

    /// A page of them would fill any memory.
    @Test func `forged chunk tags of any length are not read`() throws {
        let yard = try Yard()
        let content = noise(1000, seed: 1)
        let id = try #require(try yard.put([content]).first?.id)
        try yard.foreign("UPDATE blob_tags SET tags = zeroblob(1 << 20)")
        let row = try #require(try yard.store.catalog.read { try $0.blob(id)?.row })
        #expect(try yard.store.catalog.read { try $0.tags(ofBlob: row) } == [])
        #expect(try verify(yard).damaged.map(\.sha256) == [id.hex])
        try yard.put([content])
        #expect(try verify(yard).isSound)
    }

    @Test func `without keys nothing is verified`() throws {
        let yard = try Yard()
        let locked = try Store.open(at: yard.store.root, keys: nil)
        #expect(kind { _ = try Verification(store: locked).run() } == .denied)
    }
}

@Suite struct StoreStatisticsTests {
    @Test func `what is stored is counted`() throws {
        let yard = try Yard()
        try yard.put([noise(1000, seed: 1), noise(500, seed: 2), noise(1000, seed: 1)])
        try yard.foreign(
            """
            INSERT INTO components VALUES ('c', 'n', '1', 'backend', NULL, NULL, NULL, '{}', NULL, 1, NULL);
            INSERT INTO applications(application_id, name, version, manifest_json, installed_at) VALUES ('a','n','1','{}',1);
            INSERT INTO autonomi_cache VALUES ('x', 'h', 'h', 700, 't', 1, 1, 1), ('y', 'h', 'h', 'no size', 't', 1, 1, 1);
            """)
        let counted = try Store.open(at: yard.store.root, keys: nil).statistics()
        #expect(counted.blobCount == 2 && counted.plainBytes == 1500 && counted.storedBytes == 1556)
        #expect(counted.components == 1 && counted.applications == 1)
        #expect(counted.cacheEntries == 2 && counted.cacheBytes == 700 && counted.databaseBytes > 4096)
    }

    @Test(arguments: ["9223372036854775807", "-9223372036854775808", "'x'", "1e300"])
    func `forged sizes are counted as well as may be`(size: String) throws {
        let yard = try Yard()
        try yard.put([noise(1000, seed: 1), noise(500, seed: 2)])
        try yard.foreign("PRAGMA ignore_check_constraints = 1; UPDATE blobs SET size = \(size)")
        #expect(try yard.store.statistics().blobCount == 2)
    }
}
