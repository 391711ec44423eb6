internal import Catalog
internal import Primitives
internal import Sealing

/// What the prefetching thread reads with: a connection of its own, and what all threads share.
final class PrefetchReader {
    private let tree: PrefetchSource
    private let catalog: CatalogReader
    private let tags: TagReader

    init(_ tree: PrefetchSource) throws {
        self.tree = tree
        catalog = try CatalogReader(path: tree.store.root.database)
        tags = TagReader(catalog: catalog, cache: tree.tags)
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

/// What a tree's threads share that the prefetching thread needs.
struct PrefetchSource: Sendable {
    let store: Store
    let database: DatabaseWatch
    let openBlobs: OpenBlobs
    let seekTables: SeekTableCache
    let tags: TagCache
    let corrections: LengthCorrections
}
