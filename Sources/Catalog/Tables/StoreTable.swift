internal import Foundation
internal import GRDB

/// What the store knows of itself.
extension Reading {
    /// The fingerprint of the store's key; nil where none was recorded yet.
    public func keyFingerprint() throws -> [UInt8]? {
        try Data.fetchOne(database, sql: "SELECT value FROM store WHERE key = 'key_fingerprint'").map(Array.init)
    }

    /// Whether new content is compressed, where a put does not say.
    public func compresses() throws -> Bool {
        try Row.fetchOne(database, sql: "SELECT value FROM store WHERE key = 'compression'")?.text("value") == "zstd"
    }
}

extension Writing {
    /// Records the fingerprint of the store's key.
    public func setKeyFingerprint(_ fingerprint: [UInt8]) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO store VALUES ('key_fingerprint', ?)", arguments: [Data(fingerprint)])
    }

    /// Has new content compressed from now on, or not; what is stored stays as it is.
    public func setCompression(_ isOn: Bool) throws {
        try database.execute(
            sql: isOn
                ? "INSERT OR REPLACE INTO store VALUES ('compression', 'zstd')"
                : "DELETE FROM store WHERE key = 'compression'")
    }
}

/// Counts and sizes of a store.
public struct CatalogStatistics: Sendable {
    /// Blobs with a sealed file.
    public let blobCount: Int64
    /// Bytes of plaintext.
    public let plainBytes: Int64
    /// Blobs whose content was compressed.
    public let compressedCount: Int64
    /// Bytes of plaintext that compression saved.
    public let savedBytes: Int64
    /// Installed components.
    public let components: Int64
    /// Installed applications.
    public let applications: Int64
    /// Cached contents of the network.
    public let cacheEntries: Int64
    /// Bytes of plaintext that the cache refers to.
    public let cacheBytes: Int64
    /// Entries of the cache that no eviction takes.
    public let pinnedEntries: Int64
    /// Bytes of the database.
    public let databaseBytes: Int64
    /// Files, directories and links of the tree.
    public let nodes: Int64
}

extension Reading {
    /// Counts what is stored; reads the whole list of blobs.
    public func statistics() throws -> CatalogStatistics {
        func number(_ sql: String) throws -> Int64 { try Int64.fetchOne(database, sql: sql) ?? 0 }
        return CatalogStatistics(
            blobCount: try number("SELECT count(*) FROM blobs"),
            plainBytes: try number("SELECT total(size) FROM blobs"),
            compressedCount: try number("SELECT count(*) FROM blobs WHERE encoding = 1"),
            savedBytes: try number("SELECT total(size) - total(sealed_size) FROM blobs WHERE encoding = 1"),
            components: try number("SELECT count(*) FROM components"),
            applications: try number("SELECT count(*) FROM applications"),
            cacheEntries: try number("SELECT count(*) FROM autonomi_cache"),
            cacheBytes: try number("SELECT total(size) FROM autonomi_cache WHERE typeof(size) = 'integer'"),
            pinnedEntries: try number(
                """
                SELECT count(*) FROM autonomi_cache
                WHERE CAST(autonomi_address AS TEXT) IN (SELECT address FROM pinned_cache)
                """),
            databaseBytes: try number("PRAGMA page_count") * number("PRAGMA page_size"),
            nodes: try number("SELECT count(*) FROM nodes"))
    }
}
