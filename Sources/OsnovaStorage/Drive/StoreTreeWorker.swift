internal import Blobs
internal import Catalog
internal import Primitives
internal import Sealing
internal import Tree

/// One driver thread's view of a store: its own database connection, cipher and buffers.
final class StoreTreeWorker: FileTreeWorker {
    private let tree: StoreTree
    private let catalog: CatalogReader
    private let reader: BlobReader
    private let tags: TagCache
    private let documents: ScratchBuffer
    private var current: OpenBlob?

    /// A document's bytes that fit the buffer are served from it; a longer one is kept as it is.
    private var longDocument: [UInt8] = []

    init(tree: StoreTree) throws {
        self.tree = tree
        catalog = try CatalogReader(path: tree.store.root.database)
        reader = try BlobReader(keys: tree.store.keys())
        tags = TagCache(catalog: catalog)
        documents = ScratchBuffer(count: BlobReader.maximumRead)
    }

    // MARK: Names

    func lookup(_ name: UnsafeRawBufferPointer, in directory: Inode) throws -> Attributes? {
        guard case .node(let node) = directory else { return nil }
        if let found = try catalog.lookup(name, in: node) { return found }
        // A sealed file that another program left without a row is met here first.
        guard directory == FixedNode.blobs.inode, let id = ContentID(hex: name), try tree.store.meet(id) else {
            return nil
        }
        return try catalog.lookup(name, in: node)
    }

    func attributes(of inode: Inode) throws -> Attributes? {
        try catalog.attributes(of: inode)
    }

    func list(
        _ directory: Inode, after cookie: UInt64,
        _ visit: (UnsafeRawBufferPointer, Attributes, UInt64) -> Bool
    ) throws {
        guard case .node(let node) = directory else { throw OsnovaError(.notFound, "that is no directory") }
        try catalog.list(node, after: cookie, visit)
    }

    func target(of inode: Inode) throws -> [UInt8] {
        guard case .node(let node) = inode, let target = try catalog.target(of: node) else {
            throw OsnovaError(.notFound, "that link is gone")
        }
        return target
    }

    // MARK: Content

    func read(_ inode: Inode, at offset: Int64, count: Int) throws -> UnsafeRawBufferPointer {
        switch inode {
        case .blob(let row): return try readBlob(row, at: offset, count: count)
        case .document(let document, let node):
            guard let content = try catalog.content(of: document, node: node) else {
                throw OsnovaError(.notFound, "the row of \(document.fileName) is gone")
            }
            return keep(content, at: offset, count: count)
        case .node: throw OsnovaError(.usage, "a directory has no content")
        }
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
        } catch let error as OsnovaError where error.kind == .damaged {
            // Another process may have sealed or adopted the content anew since the file was opened and its tags
            // read: what is damaged must be so by the newest of both.
            forget(row)
            return try readOnce(row, at: offset, count: count)
        }
    }

    private func readOnce(_ row: Int64, at offset: Int64, count: Int) throws -> UnsafeRawBufferPointer {
        let open = try openBlob(row)
        return try reader.read(open.blob, file: open.file, at: offset, count: count) { chunks, memory in
            try tags.copy(chunks, ofBlob: row, into: memory)
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
        let opened = try tree.open(identity, row: row)
        // One that was adopted just now has other tags.
        if opened.blob.nonce.bytes == identity.nonce { tags.keepFirst(identity.firstTags, ofBlob: row) }
        tree.openBlobs.insert(opened)
        current = opened
        return opened
    }

    private func forget(_ row: Int64) {
        current = nil
        tree.openBlobs.remove(row)
        tags.forget(row)
    }

    // MARK: Extended attributes

    func extendedAttributes(of inode: Inode) throws -> [(name: String, value: [UInt8])] {
        guard case .blob(let row) = inode, let identity = try catalog.identity(ofBlob: row) else { return [] }
        var found: [(name: String, value: [UInt8])] = [
            ("user.osnova.sha256", Array(identity.id.hex.utf8)),
            ("user.osnova.stored_size", Array("\(identity.size &+ SealedLayout.overhead)".utf8)),
        ]
        if let verified = identity.verified { found.append(("user.osnova.verified_at", Array("\(verified)".utf8))) }
        return found
    }
}
