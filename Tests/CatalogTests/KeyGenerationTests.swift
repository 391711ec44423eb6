import Catalog
import Foundation
import Primitives
import TestSupport
import Testing
import Tree

/// The numbers of a store's keys, and which blob is sealed under which.
@Suite struct KeyGenerationTests {
    private let base: Base

    init() throws { base = try Base() }

    private func blob(_ seed: UInt64, generation: Int64 = 0) throws -> VerifiedBlob {
        let content = noise(10, seed: seed)
        return VerifiedBlob(
            id: try content.withUnsafeBytes { try SHA256.digest($0) }, extent: BlobExtent(plain: 10),
            nonce: [UInt8](noise(12, seed: seed)), tags: [UInt8](noise(16, seed: seed)), mediaType: .unknown,
            generation: generation)
    }

    private func member(_ generation: Int64, isTarget: Bool) -> KeyGenerations.Member {
        KeyGenerations.Member(
            generation: generation, fingerprint: [UInt8](noise(32, seed: UInt64(generation))), otherKey: [1],
            isTarget: isTarget)
    }

    /// Begins a rekey from one number to the next.
    private func begin() throws -> Int64 {
        let current = try base.catalog.read { try $0.keyGenerations().current }
        let next = try base.catalog.read { try $0.nextGeneration() }
        try base.catalog.write {
            try $0.setKeyFingerprint(member(current, isTarget: false).fingerprint)
            try $0.setRekey([member(current, isTarget: false), member(next, isTarget: true)])
        }
        return next
    }

    private func generation(_ id: ContentID) throws -> Int64? {
        let row = try base.catalog.read { try $0.blob(id) }
        let read = try row.flatMap { try CatalogReader(path: base.path).identity(ofBlob: $0.row)?.generation }
        #expect(read == row?.generation)
        return read
    }

    @Test func `a blob has the number that it was recorded with, also after the end`() throws {
        let (old, young) = (try blob(1), try blob(2, generation: 1))
        try base.catalog.write { _ = try $0.record(old) }
        #expect(kind { try base.catalog.write { _ = try $0.record(young) } } == .busy, "no such key")
        #expect(try begin() == 1)
        try base.catalog.write { _ = try $0.record(young) }
        #expect(try generation(old.id) == 0 && generation(young.id) == 1)
        #expect(kind { try base.catalog.write { try $0.finishRekey() } } == .busy)
        var moved = old
        moved.generation = 1
        try base.catalog.write { _ = try $0.record(moved) }
        try base.catalog.write { try $0.finishRekey() }
        #expect(try generation(old.id) == 1 && generation(young.id) == 1)
        #expect(try base.integers("SELECT count(*) FROM blob_generations") == [0])
        #expect(kind { try base.catalog.write { _ = try $0.record(old) } } == .busy, "that key is gone")
        #expect(try generation(old.id) == 1)
        let now = try base.catalog.read { try $0.keyGenerations() }
        #expect(now.current == 1 && now.rekey.isEmpty && now.fingerprint == member(1, isTarget: true).fingerprint)
        #expect(now.valid == [1] && now.generation(of: member(0, isTarget: false).fingerprint) == nil)
    }

    @Test func `a row that names no content keeps no rekey from its end`() throws {
        try base.foreign(
            "PRAGMA ignore_check_constraints = 1; INSERT INTO blobs(sha256, size, created_at) VALUES ('none', 1, 1)")
        _ = try begin()
        try base.catalog.write { try $0.finishRekey() }
        #expect(try base.catalog.read { try $0.keyGenerations().rekey.isEmpty })
    }

    @Test func `no number is given twice, though a rekey was taken back`() throws {
        #expect(try begin() == 1)
        try base.catalog.write { try $0.setRekey([member(0, isTarget: true), member(1, isTarget: false)]) }
        try base.catalog.write { try $0.finishRekey() }
        #expect(try base.catalog.read { try $0.keyGenerations().current } == 0)
        #expect(try begin() == 2)
        try base.catalog.write { try $0.finishRekey() }
        #expect(try begin() == 3)
    }

    @Test func `the number of a blob goes with its row, whoever removes it`() throws {
        _ = try begin()
        let young = try blob(2, generation: 1)
        try base.catalog.write { _ = try $0.record(young) }
        try base.foreign("DELETE FROM blobs")
        #expect(try base.integers("SELECT count(*) FROM blob_generations") == [0])
        #expect(try base.catalog.integrityFindings() == [])
    }

    @Test(arguments: [
        "DELETE FROM rekey WHERE is_target = 1", "UPDATE rekey SET is_target = 1", "UPDATE rekey SET is_target = 0",
        "INSERT INTO rekey VALUES (7, x'07', x'07', 0)",
    ]) func `a rekey that is none is damage`(forgery: String) throws {
        _ = try begin()
        try base.foreign(forgery)
        #expect(kind { _ = try base.catalog.read { try $0.keyGenerations() } } == .damaged)
    }

    @Test func `forged values end nothing but the read`() throws {
        _ = try begin()
        try base.foreign(
            """
            INSERT OR REPLACE INTO store VALUES ('key_generation', 'x'); UPDATE rekey SET other_key = 5;
            UPDATE rekey SET fingerprint = 'text' WHERE is_target = 1
            """)
        #expect(try base.catalog.read { try $0.keyGenerations().current } == 0)
    }
}
