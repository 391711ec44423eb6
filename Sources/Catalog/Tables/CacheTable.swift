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

    func check() throws {
        try FieldCheck.identifier(address, "address of a cache entry")
        try FieldCheck.text(dataType, "type of a cache entry")
        try FieldCheck.count(size, "size of a cache entry")
        try FieldCheck.count(accessCount, "access count of a cache entry")
        try FieldCheck.time(cachedAt, "time of a cache entry")
        try FieldCheck.time(lastAccessed, "access time of a cache entry")
        guard ContentID(hex: content) != nil else {
            throw OsnovaError(.usage, "the content of a cache entry must be a SHA-256: 64 lower-case digits")
        }
    }
}

extension Reading {
    /// The cache entry of an address; nil where there is none.
    ///
    /// - Throws: `usage` for an address with a NUL.
    public func cacheEntry(_ address: String) throws -> CacheEntry? {
        try FieldCheck.text(address, "address of a cache entry")
        return try Row.fetchOne(
            database.cachedStatement(sql: "SELECT * FROM autonomi_cache WHERE autonomi_address = ?"),
            arguments: [address]
        ).map(CacheEntry.init)
    }

    /// The cache entries of a content, by address.
    public func cacheEntries(ofContent content: ContentID) throws -> [CacheEntry] {
        try Row.fetchAll(
            database.cachedStatement(sql: "SELECT * FROM autonomi_cache WHERE content_hash = ?"),
            arguments: [content.hex]
        ).map(CacheEntry.init).sorted { $0.address < $1.address }
    }

    /// Cache entries, those first that were not used for longest, a page at a time.
    ///
    /// - Throws: `usage` for another query's cursor, or a limit outside 1…10,000.
    public func leastUsedCacheEntries(after cursor: Cursor? = nil, limit: Int = 100) throws -> Page<CacheEntry> {
        try Self.leastUsedCache.page(database, after: cursor, limit: limit, CacheEntry.init)
    }

    static let leastUsedCache = Listing(
        "autonomi_cache", order: ["last_accessed", "autonomi_address"], descending: false
    ).with("autonomi_address IS NOT NULL")

    /// All cache entries by address.
    public func cacheEntries() throws -> [CacheEntry] {
        try Row.fetchAll(database, sql: "SELECT * FROM autonomi_cache ORDER BY autonomi_address").map(CacheEntry.init)
    }
}

extension Writing {
    /// Inserts a cache entry, or points the entry of the same address to this content.
    ///
    /// - Throws: `usage` for a value that an entry cannot have.
    public func save(_ entry: CacheEntry) throws {
        try entry.check()
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

    /// Removes the cache entry of an address; false where there is none.
    ///
    /// Its blob stays until nothing refers to it.
    ///
    /// - Throws: `usage` for an address with a NUL.
    public func removeCacheEntry(_ address: String) throws -> Bool {
        try FieldCheck.text(address, "address of a cache entry")
        try database.cachedStatement(sql: "DELETE FROM autonomi_cache WHERE autonomi_address = ?")
            .execute(arguments: [address])
        return database.changesCount > 0
    }
}
