internal import Blobs
internal import Catalog
internal import Primitives
internal import Sealing
internal import Tree

/// One driver thread's view of a store: its own database connection, cipher and buffers.
final class StoreTreeWorker: FileTreeWorker {
    private let tree: StoreTree
    private let catalog: CatalogReader
    private let readers: SealedReaders
    private let tags: TagReader
    private let documents: ScratchBuffer
    private let host: HostFiles
    private let extras: ViewEntries
    private let counters: DriveCounters
    /// Whether it is to leave off verifying a large file; nil where it verifies none.
    private let hasEnded: (@Sendable () -> Bool)?
    /// What `openBlobs` holds: a thread that has nothing to do must not keep a removed file from its disk.
    private weak var current: OpenBlob?
    /// Where the answer under way was fetched before it was asked for.
    private var borrowed: PrefetchSlot?
    /// Whether blobs are to be fetched once the answer is sent.
    private var mustPrefetch = false
    /// Closed once the answer is sent, since nobody needs to wait for that.
    private var dropped: OpenBlob?
    /// Opened by the first question for it: most mounts are never asked.
    private var upkeep: UpkeepBook?

    /// A document's bytes that fit the buffer are served from it; a longer one is kept as it is.
    private var longDocument: [UInt8] = []

    init(tree: StoreTree, patientUntil hasEnded: (@Sendable () -> Bool)? = nil) throws {
        self.tree = tree
        self.hasEnded = hasEnded
        catalog = try CatalogReader(path: tree.store.root.database)
        readers = try SealedReaders(store: tree.store, tables: tree.seekTables)
        tags = TagReader(catalog: catalog, cache: tree.tags)
        documents = ScratchBuffer(count: BlobReader.maximumRead)
        host = HostFiles(
            root: try tree.beneathRoot(), books: tree.makeBooks(), openFiles: tree.hostFiles, reads: tree.hostReads)
        counters = tree.metrics.makeCounters()
        extras = ViewEntries(catalog: catalog, host: host, folders: tree.folders, generated: tree.generated)
    }

    // MARK: Names

    func lookup(_ name: UnsafeRawBufferPointer, in directory: Inode) throws -> Attributes? {
        try tree.database.check()
        switch directory {
        case .node(let node): return try lookup(name, inNode: node)
        case .host(let number): return try host.lookup(name, in: number)
        case .generated(let number): return try extras.lookup(name, inGenerated: number)
        case .blob, .document: return nil
        }
    }

    private func lookup(_ name: UnsafeRawBufferPointer, inNode node: Int64) throws -> Attributes? {
        if let found = try catalog.lookup(name, in: node) { return try extras.adjust(found) }
        // A sealed file that another program left without a row is met here first.
        if node == FixedNode.blobs.rawValue, let id = ContentID(hex: name) {
            return try tree.store.meet(id) ? catalog.lookup(name, in: node) : nil
        }
        return try extras.lookup(name, inNode: node)
    }

    func attributes(of inode: Inode) throws -> Attributes? {
        try tree.database.check()
        return switch inode {
        case .host(let number): try host.attributes(of: number)
        case .generated(let number): tree.generated.attributes(of: number)
        case .document: try catalog.attributes(of: inode)
        case .blob(let row):
            try catalog.attributes(of: inode) ?? tree.removedBlobs.find(row)?.attributes
        case .node: try catalog.attributes(of: inode).map { try extras.adjust($0) }
        }
    }

    func list(
        _ directory: Inode, after cookie: UInt64,
        _ visit: (UnsafeRawBufferPointer, Attributes, UInt64) -> Bool
    ) throws {
        try tree.database.check()
        switch directory {
        case .node(let node): try extras.list(node: node, after: cookie, visit)
        case .host(let number):
            guard let last = Int64(exactly: cookie) else { throw OsnovaError(.usage, "that is no place in a listing") }
            try host.list(number, after: last) { visit($0, $1, UInt64(bitPattern: $2)) }
        case .generated: extras.listGenerated(after: cookie, visit)
        case .blob, .document: throw OsnovaError(.notFound, "that is no directory")
        }
    }

    func target(of inode: Inode) throws -> [UInt8] {
        try tree.database.check()
        let target: [UInt8]? =
            switch inode {
            case .node(let node): try catalog.target(of: node)
            case .host(let number): try host.target(of: number)
            default: nil
            }
        guard let target else { throw OsnovaError(.notFound, "that link is gone") }
        return target
    }

    // MARK: Content

    func read(_ inode: Inode, at offset: Int64, count: Int) throws -> UnsafeRawBufferPointer {
        try tree.database.check()
        switch inode {
        case .blob(let row):
            if let content = fetched(row, at: offset, count: count) { return content }
            do {
                let content = try readBlob(row, at: offset, count: count)
                tree.readMarks.mark(row)
                return content
            } catch let error as OsnovaError where error.kind == .notFound || error.kind == .damaged {
                guard let held = try tree.removedBlobs.find(row) ?? holdRemoved(row) else {
                    tree.prefetch.readFailed()
                    throw error
                }
                return try read(held, at: offset, count: count)
            }
        case .document(let document, let node):
            guard let content = try catalog.content(of: document, node: node) else {
                throw OsnovaError(.notFound, "the row of \(document.fileName) is gone")
            }
            return keep(content, at: offset, count: count)
        case .host(let number):
            return try fill(count) { try host.read(number, at: offset, into: $0) }
        case .generated(let state):
            if tree.generated.contentKind(of: state) == .database { tree.readMarks.markCopy() }
            return try fill(count) { try tree.generated.read(state, at: offset, into: $0) }
        case .node(let node):
            guard let content = try catalog.frozenContent(ofNode: node) else { throw try missingContent(of: inode) }
            return keep(content, at: offset, count: count)
        }
    }

    /// What was fetched of a blob that is read in order.
    private func fetched(_ row: Int64, at offset: Int64, count: Int) -> UnsafeRawBufferPointer? {
        settle()
        if offset == 0 { mustPrefetch = tree.prefetch.reads(row) }
        guard let found = tree.prefetch.lend(row, at: offset, count: count) else { return nil }
        borrowed = found.slot
        tree.readMarks.mark(row)
        return found.bytes
    }

    private func missingContent(of inode: Inode) throws -> OsnovaError {
        try catalog.attributes(of: inode)?.kind == .file
            ? .damaged("the row that tells this file's content is gone from the database: put the file again")
            : OsnovaError(.usage, "a directory has no content")
    }

    /// The file of a blob that was removed just now, before the thread that follows the changes has come to it.
    private func holdRemoved(_ row: Int64) throws -> RemovedBlobs.Held? {
        guard try catalog.identity(ofBlob: row) == nil, let id = try catalog.removedBlob(row: row),
            let file = try? tree.store.blobs.open(id)
        else { return nil }
        let held = RemovedBlobs.Held(id: id, row: row, file: file, probe: tree.store.probe)
        tree.removedBlobs.hold(held, row: row)
        return held
    }

    /// Reads a blob whose row is gone, for a program that had it open before.
    private func read(_ held: RemovedBlobs.Held, at offset: Int64, count: Int) throws -> UnsafeRawBufferPointer {
        guard hasEnded != nil || held.isVerified || !held.isLarge else { throw LongRead() }
        let known = try held.verified { file, id in
            try StoreAudit(store: tree.store).verify(file: file, id: id) { _ in try StoreTree.goOn(until: hasEnded) }
        }
        let reader = try readers.reader(for: known.blob.generation)
        return try reader.read(known.blob, file: held.file, at: offset, count: count) { chunks, memory in
            let wanted = chunks.lowerBound * Tag.byteCount..<(chunks.upperBound + 1) * Tag.byteCount
            guard wanted.upperBound <= known.tags.count else { throw OsnovaError.damaged("its tags end early") }
            memory.copyBytes(from: known.tags[wanted])
        }
    }

    private func fill(
        _ count: Int, _ read: (UnsafeMutableRawBufferPointer) throws -> Int
    ) throws -> UnsafeRawBufferPointer {
        let memory = UnsafeMutableRawBufferPointer(rebasing: documents.bytes.prefix(max(0, count)))
        return UnsafeRawBufferPointer(rebasing: memory.prefix(try read(memory)))
    }

    func contentKind(of inode: Inode) -> ContentKind {
        if case .generated(let state) = inode { tree.generated.contentKind(of: state) } else { ContentKind(inode) }
    }

    private func keep(_ content: [UInt8], at offset: Int64, count: Int) -> UnsafeRawBufferPointer {
        guard offset >= 0, offset < content.count, count > 0 else {
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        let start = Int(offset)
        let length = min(count, content.count - start, documents.bytes.count)
        content.withUnsafeBytes {
            documents.bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + length]))
        }
        return UnsafeRawBufferPointer(rebasing: documents.bytes.prefix(length))
    }

    private func readBlob(_ row: Int64, at offset: Int64, count: Int) throws -> UnsafeRawBufferPointer {
        do {
            return try readOnce(row, at: offset, count: count)
        } catch let error as OsnovaError where error.kind == .damaged || error.kind == .busy {
            // Another process may have sealed or adopted the content anew since the file was opened and its tags
            // read: what is damaged must be so by the newest of both.
            forget(row)
            tags.forget(row)
            return try readOnce(row, at: offset, count: count)
        }
    }

    private func readOnce(_ row: Int64, at offset: Int64, count: Int) throws -> UnsafeRawBufferPointer {
        let open = try openBlob(row)
        return try readers.reader(for: open.blob.generation).read(open.blob, file: open.file, at: offset, count: count)
        { chunks, memory in
            try tags.copy(chunks, of: open, into: memory)
        }
    }

    // MARK: Open files

    private func openBlob(_ row: Int64) throws -> OpenBlob {
        if let current, current.row == row, current.isCurrent { return current }
        if let shared = tree.openBlobs.find(row), shared !== current, shared.isCurrent {
            current = shared
            return shared
        }
        forget(row)
        guard let identity = try catalog.identity(ofBlob: row) else {
            throw OsnovaError(.notFound, "the blob of inode row \(row) is gone")
        }
        let opened = try tree.open(identity, row: row, patientUntil: hasEnded)
        counters.count(.sealedFileOpened)
        dropped = tree.openBlobs.insert(opened)
        current = opened
        return opened
    }

    private func forget(_ row: Int64) {
        current = nil
        tree.openBlobs.remove(row)
    }

    func settle() {
        if mustPrefetch {
            mustPrefetch = false
            tree.prefetch.wake()
        }
        dropped = nil
        if let slot = borrowed {
            borrowed = nil
            tree.prefetch.giveBack(slot)
        }
    }

    // MARK: Extended attributes

    func extendedAttributes(of inode: Inode) throws -> [(name: String, value: [UInt8])] {
        try tree.database.check()
        guard case .blob(let row) = inode, let identity = try catalog.identity(ofBlob: row) else { return [] }
        var found: [(name: String, value: [UInt8])] = [
            ("user.osnova.sha256", Array(identity.id.hex.utf8)),
            ("user.osnova.stored_size", Array("\(identity.extent.fileSize)".utf8)),
        ]
        if upkeep?.isCurrent != true { upkeep = try? UpkeepBook.existing(path: tree.store.root.upkeep) }
        let check = try? upkeep?.check(ofBlob: row, identity.id)
        let checked = check?.damage == nil ? check?.time : nil
        if let verified = CheckTime.latest(identity.verified, checked, now: Clock.seconds) {
            found.append(("user.osnova.verified_at", Array("\(verified)".utf8)))
        }
        return found
    }
}
