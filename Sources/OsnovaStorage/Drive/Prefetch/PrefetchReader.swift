internal import Catalog
internal import Primitives
internal import Sealing
internal import Tree

/// What a prefetching thread reads with: a connection of its own, and what all threads share.
final class PrefetchReader {
    private let tree: PrefetchSource
    private let catalog: CatalogReader
    private let tags: TagReader
    private let counters: DriveCounters

    init(_ tree: PrefetchSource) throws {
        self.tree = tree
        catalog = try CatalogReader(path: tree.store.root.database)
        tags = TagReader(catalog: catalog, cache: tree.tags)
        counters = tree.metrics.makeCounters()
    }

    /// Fetches the beginning of a blob.
    ///
    /// - Throws: whatever stands in the way; who reads the blob is told of it.
    func fill(_ slot: PrefetchSlot, row: Int64) throws {
        try tree.database.check()
        let blob = try open(row)
        try slot.fill(from: blob) {
            try SealedReaders(store: tree.store, tables: tree.seekTables)
        } tags: { chunks, memory in
            try tags.copy(chunks, of: blob, into: memory)
        }
    }

    /// Has the kernel take a content; whether it did.
    func give(_ slot: PrefetchSlot, to cache: any PageCache) -> Bool {
        let inode = Inode.blob(slot.row).number
        guard let content = slot.wholeContent, cache.store(content, of: inode) else { return false }
        tree.readMarks.mark(slot.row)
        counters.count(.contentStored)
        counters.count(bytes: content.count, of: .blob)
        return true
    }

    private func open(_ row: Int64) throws -> OpenBlob {
        if let shared = tree.openBlobs.find(row), shared.isCurrent { return shared }
        guard let identity = try catalog.identity(ofBlob: row), !tree.corrections.isOutstanding(row) else {
            throw OsnovaError(.notFound, "there is no blob to fetch in row \(row)")
        }
        let opened = try tree.store.open(identity, row: row) { id, _ in
            // To verify it as a whole is for those who want it.
            throw OsnovaError(.unavailable, "blob \(id) is not verified yet")
        }
        // What it displaces closes here.
        _ = tree.openBlobs.insert(opened)
        return opened
    }
}

/// What a tree's threads share that the prefetching threads need.
struct PrefetchSource: Sendable {
    let store: Store
    let database: DatabaseWatch
    let openBlobs: OpenBlobs
    let seekTables: SeekTableCache
    let tags: TagCache
    let corrections: LengthCorrections
    let readMarks: ReadMarks
    let metrics: DriveMetrics
}
