internal import Foundation
internal import GRDB
internal import Primitives

/// Cache entries that no eviction takes.
extension Reading {
    /// The pinned addresses, be it that their entries are there or not.
    ///
    /// Of two that differ in Unicode normalisation only, Swift's set has one; ``isPinned(_:)`` tells them apart.
    public func pinnedAddresses() throws -> Set<String> {
        try Set(Row.fetchAll(database, sql: "SELECT address FROM pinned_cache").compactMap { $0.text("address") })
    }

    /// Whether an address is pinned, be it that its entry is there or not.
    public func isPinned(_ address: String) throws -> Bool {
        // As bytes: a text would be cut at a NUL.
        let sql = "SELECT EXISTS (SELECT 1 FROM pinned_cache WHERE address = CAST(? AS TEXT))"
        return try Bool.fetchOne(database.cachedStatement(sql: sql), arguments: [Data(address.utf8)]) == true
    }
}

extension Writing {
    /// Keeps the cache entry of an address from eviction; false where it is pinned already.
    ///
    /// - Throws: `notFound` where there is no such entry, `usage` for an address with a NUL.
    @discardableResult
    public func pinCacheEntry(_ address: String) throws -> Bool {
        guard try reading.cacheEntry(address) != nil else {
            throw OsnovaError(.notFound, "nothing is cached at \(address): see 'osnovafs list cache'")
        }
        return try change(
            "INSERT OR IGNORE INTO pinned_cache(address, pinned_at) VALUES (?, ?)", [address, Clock.seconds])
    }

    /// Lets evictions take the cache entry of an address again; false where it was not pinned.
    ///
    /// - Throws: `usage` for an address with a NUL.
    @discardableResult
    public func unpinCacheEntry(_ address: String) throws -> Bool {
        try FieldCheck.text(address, "address of a cache entry")
        return try change("DELETE FROM pinned_cache WHERE address = ?", [address])
    }

    private func change(_ sql: String, _ arguments: StatementArguments) throws -> Bool {
        try database.cachedStatement(sql: sql).execute(arguments: arguments)
        return database.changesCount > 0
    }
}
