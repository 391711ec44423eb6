internal import Foundation
internal import GRDB
internal import Primitives

/// A cache entry with the blob that it shows.
public struct CachedBlob: Sendable {
    /// The place among all entries; pages are read by it.
    public let position: Int64
    /// The address as bytes: whatever a foreign program wrote.
    public let address: [UInt8]
    /// The row of the blob.
    public let blob: Int64
}

extension Reading {
    /// The next cache entries whose blob is there, at most `limit`.
    public func cachedBlobs(after position: Int64, limit: Int) throws -> [CachedBlob] {
        try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT entry.rowid AS position, CAST(autonomi_address AS BLOB) AS address, blobs.id AS blob
                    FROM autonomi_cache AS entry JOIN blobs ON blobs.sha256 = entry.blob_hash
                    WHERE entry.rowid > ? AND autonomi_address IS NOT NULL ORDER BY entry.rowid LIMIT ?
                    """), arguments: [position, limit]
        ).compactMap { row in
            guard let position = row.integer("position"), let blob = row.integer("blob") else { return nil }
            return CachedBlob(position: position, address: Array(row.bytes("address") ?? Data()), blob: blob)
        }
    }

    /// Bytes of plaintext that the cache refers to, each content counted once; what ``evictionCandidates()`` adds up to.
    public func cachedBytes() throws -> Int64 {
        // Sizes come from foreign rows: a sum of whole numbers could overflow, which SQLite makes an error.
        let sum = try Double.fetchOne(
            database,
            sql: """
                SELECT total(size) FROM (
                    SELECT max(0, coalesce(blobs.size, CASE typeof(entry.size) WHEN 'integer' THEN entry.size END, 0)) AS size
                    FROM autonomi_cache AS entry LEFT JOIN blobs ON blobs.sha256 = entry.blob_hash
                    WHERE entry.autonomi_address IS NOT NULL GROUP BY entry.blob_hash)
                """)
        return Int64(exactly: (sum ?? 0).rounded()) ?? Int64.max
    }

    /// A number that is another one after any change of what the cache has or may lose, whoever made it.
    public func cacheChanges() throws -> Int64 {
        let counters = try ChangeCounters.read(database)
        return (counters[.cache] ?? 0) &+ (counters[.components] ?? 0)
    }

    /// The time of now for the cache's order of use: Unix seconds.
    ///
    /// Eviction goes by the order of these times alone. A clock that was set back, or that once was ahead, must not put what
    /// is used now before what was used earlier, so this is never before the newest time that the cache has.
    public func cacheTime() throws -> Int64 {
        let newest = try Int64.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT last_accessed FROM autonomi_cache
                    WHERE typeof(last_accessed) = 'integer' AND last_accessed < ? ORDER BY last_accessed DESC LIMIT 1
                    """), arguments: [Self.endOfTime])
        return max(Clock.seconds, newest ?? 0)
    }

    /// The year 10,000: what lies behind it is no time that a program wrote in earnest.
    private static let endOfTime: Int64 = 253_402_300_800
}

extension Writing {
    /// Notes when cache entries were used, unless a use was noted that is at most `coarseness` seconds older, or newer.
    ///
    /// - Parameter uses: addresses, and Unix seconds.
    /// - Returns: how many rows were changed.
    @discardableResult
    public func recordUse(_ uses: [(address: [UInt8], time: Int64)], coarseness: Int64) throws -> Int {
        let newest = try reading.cacheTime()
        let now = Clock.seconds
        let statement = try database.cachedStatement(
            sql: """
                UPDATE autonomi_cache SET last_accessed = ?2, access_count = 1 + CASE
                    WHEN typeof(access_count) = 'integer' AND access_count BETWEEN 0 AND 4294967295 THEN access_count
                    ELSE 0 END
                WHERE autonomi_address IN (CAST(?1 AS TEXT), ?1)
                    AND (typeof(last_accessed) != 'integer' OR last_accessed NOT BETWEEN ?3 AND ?4)
                """)
        var count = 0
        for use in uses {
            let time = newest > now ? newest : max(0, min(use.time, now))
            let (since, isBeyond) = time.subtractingReportingOverflow(coarseness)
            try statement.execute(arguments: [Data(use.address), time, isBeyond ? .min : since, newest])
            count += database.changesCount
        }
        return count
    }
}
