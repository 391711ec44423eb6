internal import Blobs
internal import Catalog
internal import Primitives

/// What an eviction took out of the cache, or would.
public struct EvictionReport: Sendable {
    /// An entry that is gone.
    public struct Evicted: Sendable {
        /// The address as bytes.
        public let address: [UInt8]
        /// The blob's SHA-256 as the row had it.
        public let content: String
        /// Bytes of plaintext.
        public let size: Int64
        /// Whether the content is gone from the disk too; false where something else refers to it.
        public let isFreed: Bool
    }

    /// The entries, the least recently used first.
    public let evicted: [Evicted]
    /// Entries that are left.
    public let entriesLeft: Int
    /// Bytes of plaintext that these refer to, each content counted once.
    public let bytesLeft: Int64
}

/// Takes the least recently used entries out of the cache until it is small enough; needs no key.
///
/// Pinned entries and the artifact of an installed component stay. A content that something else refers to loses its entry only.
public struct CacheEviction: Sendable {
    /// Bytes of plaintext that a cache may have if nothing else is said: 2 GiB.
    public static let defaultMaximum: Int64 = 2 << 30

    private let store: Store

    /// Readies an eviction.
    public init(store: Store) {
        self.store = store
    }

    /// Evicts down to `maximum` bytes of plaintext.
    ///
    /// - Parameter patience: seconds to wait for puts under way.
    /// - Throws: `busy` where contents are being put for longer; nothing was evicted then.
    public func run(
        downTo maximum: Int64 = defaultMaximum, patience: Int64 = GarbageCollection.patience
    ) throws -> EvictionReport {
        try store.catalog.settle()
        let lock = try GarbageCollection.lock(store, waitingAtMost: patience)
        var (evicted, pace) = ([EvictionCandidate](), RemovalPace(atMost: .max))
        while true {
            do {
                let (part, left) = try evictEntries(downTo: maximum, atMost: pace.count)
                evicted += part
                if let left { return try report(evicted, left, freed: freeContents(of: evicted, holding: lock)) }
                pace.speedUp()
            } catch {
                try pace.slowDown(after: error, in: store)
            }
        }
    }

    /// Takes out the first entries that have to go; what is left, where these were all of them.
    private func evictEntries(downTo maximum: Int64, atMost count: Int) throws -> (
        evicted: [EvictionCandidate], left: (entries: Int, bytes: Int64)?
    ) {
        try store.catalog.write { writing in
            let plan = Self.plan(try writing.reading.evictionCandidates(), maximum: maximum)
            let first = Array(plan.evicted.prefix(count))
            for entry in first { try writing.evictCacheEntry(entry.address) }
            return (first, first.count == plan.evicted.count ? (plan.entriesLeft, plan.bytesLeft) : nil)
        }
    }

    private func report(
        _ evicted: [EvictionCandidate], _ left: (entries: Int, bytes: Int64), freed: Set<String>
    ) -> EvictionReport {
        let entries = evicted.map {
            EvictionReport.Evicted(
                address: $0.address, content: $0.content, size: $0.size, isFreed: freed.contains($0.content))
        }
        return EvictionReport(evicted: entries, entriesLeft: left.entries, bytesLeft: left.bytes)
    }

    /// Whether a run would evict anything; reads only.
    func isNeeded(downTo maximum: Int64) throws -> Bool {
        try store.catalog.read { reading in
            guard try reading.cachedBytes() > maximum else { return false }
            return try !Self.plan(reading.evictionCandidates(), maximum: maximum).evicted.isEmpty
        }
    }

    private func freeContents(of entries: [EvictionCandidate], holding lock: BlobLock) throws -> Set<String> {
        var seen: Set<ContentID> = []
        let garbage = entries.compactMap { entry -> CollectionReport.Garbage? in
            guard let id = ContentID(hex: entry.content), seen.insert(id).inserted else { return nil }
            return .init(id: id, size: entry.size, storedSize: 0, stored: 0)
        }
        return try Set(GarbageCollection(store: store).remove(garbage, holding: lock).map(\.id.hex))
    }

    /// Which entries go; a content counts as long as one entry of it is left.
    static func plan(_ candidates: [EvictionCandidate], maximum: Int64) -> (
        evicted: [EvictionCandidate], entriesLeft: Int, bytesLeft: Int64
    ) {
        var users: [String: Int] = [:]
        // Wider than any sum of sizes, which come from foreign rows.
        var bytes: Int128 = 0
        for candidate in candidates {
            if users[candidate.content] == nil { bytes += Int128(candidate.size) }
            users[candidate.content, default: 0] += 1
        }
        var evicted: [EvictionCandidate] = []
        for candidate in candidates where bytes > Int128(maximum) && !candidate.mustStay {
            evicted.append(candidate)
            users[candidate.content, default: 1] -= 1
            if users[candidate.content] == 0 { bytes = max(0, bytes - Int128(candidate.size)) }
        }
        return (evicted, candidates.count - evicted.count, Int64(clamping: bytes))
    }
}
