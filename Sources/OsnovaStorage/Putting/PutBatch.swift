internal import Blobs
public import Catalog
public import Primitives
internal import Sealing
public import SystemPackage

/// What became of one put content.
public struct PutResult: Sendable {
    /// The SHA-256 of the content.
    public let id: ContentID
    /// Bytes of plaintext.
    public let size: Int64
    /// Bytes of the sealed file.
    public let storedSize: Int64
    /// Whether the content was stored before, so that nothing was written.
    public let alreadyStored: Bool
}

/// Puts many contents into a store with few waits for the disk.
///
/// Contents are sealed as they come and committed together: files durable, then named, then names durable, then rows,
/// in one transaction. Used by one thread at a time.
public final class PutBatch {
    /// Where content comes from.
    public enum Source: Sendable {
        /// A regular file.
        case file(FilePath)
        /// An open stream, and what messages call it.
        case stream(CInt, name: String)
        /// Bytes in memory.
        case bytes([UInt8])
    }

    /// What is to be recorded of a content, in the transaction that records the content.
    public typealias Recording = (Writing, _ blobRow: Int64, PutResult) throws -> Void

    private struct Item {
        let blob: PreparedBlob
        let record: Recording
    }

    /// Each holds an open file, four batches may be under way, and others need some too.
    static let maximumCount = max(8, min(4096, SystemCalls.raiseOpenFileLimit() / 8))
    private static let maximumBytes: Int64 = 256 << 20

    private let store: Store
    private let put: BlobPut
    /// What is put into a data root that a restoration is about to replace would be gone with it.
    private let rootLock: OwnedDescriptor
    /// By which the kernel tells this batch, whatever it has told others, of a write that failed.
    private let disk: OwnedDescriptor
    private var items: [Item] = []
    private var others: [(Writing) throws -> Void] = []
    private var bytes: Int64 = 0
    /// Bytes of the content that was added last under a name.
    private(set) var lastSize = 0

    /// Readies a batch, and removes what a killed process left half written.
    ///
    /// - Parameter compressing: whether contents that shrink are compressed; nil for the store's own setting.
    /// - Throws: `denied` for a store that was opened without keys, `busy` while the data root is being restored.
    public init(store: Store, compressing: Bool? = nil) throws {
        self.store = store
        rootLock = try store.lockAgainstRestoration()
        try DiskReserve(store.root).make()
        put = try BlobPut(store: store, compressing: compressing ?? store.catalog.read { try $0.compresses() })
        disk = try store.blobs.reopen()
        try store.blobs.removeStaleTemporaries()
    }

    /// Seals a content; it is stored when ``commit()`` has returned.
    ///
    /// - Returns: the content's SHA-256; dropping the batch now leaves no trace of it.
    /// - Throws: `usage` for what is no file, `busy` for a file that changed meanwhile, `inputOutput`.
    @discardableResult
    public func add(_ source: Source, recording record: @escaping Recording) throws -> ContentID {
        do {
            return try take(source, recording: record)
        } catch let failure as SourceFailure {
            throw failure.reason
        }
    }

    /// Does what `add` does; throws ``SourceFailure`` where the next content may well be taken.
    @discardableResult
    func take(_ source: Source, recording record: @escaping Recording) throws -> ContentID {
        let blob = try put.prepare(Self.plain(source))
        items.append(Item(blob: blob, record: record))
        bytes += blob.size
        return blob.id
    }

    /// Seals a content that must be the one of a name; it is stored when ``commit()`` has returned.
    ///
    /// - Returns: whether it was; if not, nothing of it is kept.
    /// - Throws: ``SourceFailure`` where the next content may well be taken.
    func add(_ source: Source, expecting id: ContentID) throws -> Bool {
        let blob = try put.prepare(Self.plain(source))
        guard blob.id == id else { return false }
        items.append(Item(blob: blob) { _, _, _ in })
        bytes += blob.size
        lastSize = Int(clamping: blob.size)
        return true
    }

    /// Adds a change of the database alone.
    public func add(_ change: @escaping (Writing) throws -> Void) {
        others.append(change)
    }

    private static func plain(_ source: Source) throws -> PlainSource {
        switch source {
        case .file(let path): try PlainSource(path: path)
        case .stream(let number, let name): try PlainSource(stream: FileDescriptor(rawValue: number), name: name)
        case .bytes(let bytes): PlainSource(bytes: bytes)
        }
    }

    /// Contents added since the last commit.
    var count: Int { items.count }

    /// Whether it is time to call ``commit()``, to bound what is open and unwritten.
    public var isFull: Bool { items.count >= Self.maximumCount || bytes >= Self.maximumBytes }

    /// Makes everything added so far durable, or nothing of it recorded.
    ///
    /// - Returns: what single recordings threw; their contents are stored all the same.
    /// - Throws: `busy` where the store got another key since the contents were sealed.
    public func commit() throws -> [OsnovaError] { try commit {} }

    /// Does what `commit()` does; calls `awaitingTurn` when all files are durable, before anything is recorded.
    func commit(awaitingTurn: () -> Void) throws -> [OsnovaError] {
        defer {
            items = []
            others = []
            bytes = 0
            put.stored.release()
        }
        let isNew = try nameAll(awaitingTurn)
        awaitingTurn()
        return try store.catalog.write { writing in
            var failures: [OsnovaError] = []
            func attempt(_ step: () throws -> Void) throws {
                do {
                    try writing.attempt(step)
                } catch let error as OsnovaError {
                    failures.append(error)
                }
            }
            for change in others { try attempt { try change(writing) } }
            for (item, isNew) in zip(items, isNew) {
                let new = isNew ? item.blob.sealed?.record : nil
                let row = try new.map { try writing.record($0) }
                try attempt { try record(item, newRow: row, in: writing) }
            }
            return failures
        }
    }

    /// Makes sealed files durable and gives them their names; false for each content that is there already.
    private func nameAll(_ awaitingTurn: () -> Void) throws -> [Bool] {
        // Before anything gets its name; a rekey does not end while the put holds its lock against removal.
        try store.requireValid(items.compactMap(\.blob.sealed?.record.generation))
        let written = items.compactMap(\.blob.sealed?.incoming)
        try synchronizeContents(written)
        var named: Set<ContentID> = []
        let isNew = try items.map { item in
            guard !named.contains(item.blob.id), try name(item.blob, awaitingTurn) else { return false }
            named.insert(item.blob.id)
            return true
        }
        // Those of contents that were there already, too: who named them may not have come to this yet.
        if !items.isEmpty { try store.blobs.synchronize(namesOf: written, through: disk) }
        return isNew
    }

    /// Makes contents durable, also those that were there: another program may have left them unsynchronized, and whoever
    /// read them since gave them their rows.
    private func synchronizeContents(_ written: [IncomingBlob]) throws {
        guard let known = items.first(where: { $0.blob.sealed == nil })?.blob.id else {
            return try store.blobs.synchronize(contentsOf: written, through: disk)
        }
        if items.count > 1 { return try store.blobs.synchronizeDisk(through: disk) }
        do {
            try SystemCalls.synchronize(store.blobs.open(known))
        } catch let error as Errno {
            throw error.failure("writing \(store.blobs.path)/\(known).enc to its disk", kind: .inputOutput)
        }
    }

    /// Gives a sealed file its name; false where the content is there already.
    private func name(_ blob: PreparedBlob, _ awaitingTurn: () -> Void) throws -> Bool {
        guard let sealed = blob.sealed else { return false }
        // What replaces a file is recorded in the same order: the row must be that of the file that stays.
        if blob.replacesDamaged { awaitingTurn() }
        if try store.blobs.commit(sealed.incoming, as: blob.id, replacing: blob.replacesDamaged) { return true }
        // Another put of the same content was faster, beside this one or in another process: unless its file is not what
        // its name says, it is as good as ours. Its row may not be there yet; then this makes it.
        if try put.stored.state(of: blob.id) == .sound { return false }
        awaitingTurn()
        return try store.blobs.commit(sealed.incoming, as: blob.id, replacing: true)
    }

    /// - Parameter newRow: of a content that was not stored before.
    private func record(_ item: Item, newRow: Int64?, in writing: Writing) throws {
        let (row, storedSize) =
            try newRow.map { ($0, item.blob.sealed?.record.extent.fileSize ?? 0) } ?? known(item, writing)
        let result = PutResult(
            id: item.blob.id, size: item.blob.size, storedSize: storedSize, alreadyStored: newRow == nil)
        try item.record(writing, row, result)
    }

    private func known(_ item: Item, _ writing: Writing) throws -> (row: Int64, storedSize: Int64) {
        guard let known = try writing.reading.blob(item.blob.id) else {
            throw OsnovaError(.busy, "blob \(item.blob.id) was removed while it was put: put it again")
        }
        return (known.row, known.storedSize)
    }
}
