internal import Foundation
internal import GRDB
public import Primitives

/// A row of `autonomi_cache`.
public struct CacheEntry: Sendable, Equatable {
    /// Where the network has the content; the key of the row.
    public var address: String
    /// The blob of the content, which is also the content's SHA-256.
    public var content: String
    /// Bytes.
    public var size: Int64
    /// What the network calls it, such as `chunk`, `pointer` or `file`.
    public var dataType: String
    /// Unix seconds.
    public var cachedAt: Int64
    /// Unix seconds.
    public var lastAccessed: Int64
    /// How often it was used.
    public var accessCount: Int64

    /// Makes an entry for content that was cached just now.
    public init(address: String, content: ContentID, size: Int64, dataType: String) {
        self.address = address
        self.content = content.hex
        self.size = size
        self.dataType = dataType
        cachedAt = Clock.seconds
        lastAccessed = cachedAt
        accessCount = 1
    }

    init(_ row: Row) {
        address = row.text("autonomi_address") ?? ""
        content = row.text("blob_hash") ?? ""
        size = row.integer("size") ?? 0
        dataType = row.text("data_type") ?? ""
        cachedAt = row.integer("cached_at") ?? 0
        lastAccessed = row.integer("last_accessed") ?? 0
        accessCount = row.integer("access_count") ?? 0
    }
}

extension Reading {
    /// All cache entries by address.
    public func cacheEntries() throws -> [CacheEntry] {
        try Row.fetchAll(database, sql: "SELECT * FROM autonomi_cache ORDER BY autonomi_address").map(CacheEntry.init)
    }
}

extension Writing {
    /// Inserts a cache entry, or points the entry of the same address to this content.
    public func save(_ entry: CacheEntry) throws {
        try database.execute(
            sql: """
                INSERT INTO autonomi_cache(autonomi_address, content_hash, blob_hash, size, data_type, cached_at,
                    last_accessed, access_count) VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?6, ?7)
                ON CONFLICT(autonomi_address) DO UPDATE SET content_hash = excluded.content_hash,
                    blob_hash = excluded.blob_hash, size = excluded.size, data_type = excluded.data_type,
                    cached_at = excluded.cached_at, last_accessed = excluded.last_accessed
                """,
            arguments: [
                entry.address, entry.content, entry.size, entry.dataType, entry.cachedAt, entry.lastAccessed,
                entry.accessCount,
            ])
    }
}
