internal import Foundation
internal import GRDB
internal import Primitives

/// A cache entry as eviction sees it.
public struct EvictionCandidate: Sendable {
    /// The address as bytes: whatever a foreign program wrote.
    public let address: [UInt8]
    /// The blob's SHA-256 as the row has it; an entry may name what is none.
    public let content: String
    /// Bytes of plaintext, never below 0.
    public let size: Int64
    /// Whether an installed component's artifact is cached here, or somebody pinned the entry.
    public let mustStay: Bool

    init(_ row: Row) {
        address = (row.bytes("address") ?? Data()).map { $0 }
        content = row.text("blob_hash") ?? ""
        size = max(0, row.integer("blob_size") ?? row.integer("size") ?? 0)
        mustStay = row.integer("must_stay") == 1
    }
}

extension Reading {
    /// All cache entries, the least recently used first.
    public func evictionCandidates() throws -> [EvictionCandidate] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT CAST(entry.autonomi_address AS BLOB) AS address, entry.blob_hash, entry.size,
                    blobs.size AS blob_size,
                    EXISTS (SELECT 1 FROM components AS user WHERE entry.autonomi_address
                        = coalesce(user.autonomi_address, 'local:' || user.component_id || '@' || user.version))
                    OR EXISTS (SELECT 1 FROM pinned_cache WHERE address = CAST(entry.autonomi_address AS TEXT)) AS must_stay
                FROM autonomi_cache AS entry LEFT JOIN blobs ON blobs.sha256 = entry.blob_hash
                WHERE entry.autonomi_address IS NOT NULL ORDER BY entry.last_accessed, entry.autonomi_address
                """
        ).map(EvictionCandidate.init)
    }
}

extension Writing {
    /// Removes a cache entry; its blob stays until nothing refers to it.
    public func evictCacheEntry(_ address: [UInt8]) throws {
        try nodes.run(
            "DELETE FROM autonomi_cache WHERE autonomi_address IN (CAST(?1 AS TEXT), ?1)", [Data(address)])
    }
}
