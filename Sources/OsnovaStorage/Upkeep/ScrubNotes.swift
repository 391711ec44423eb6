internal import Catalog
internal import Logging
internal import Primitives

/// What the background verification reads and writes of its book.
///
/// Used by one thread.
final class ScrubNotes {
    private let store: Store
    private let log: Logger
    private var book: UpkeepBook
    private let reader: UpkeepReader
    /// Checks that are not written yet; small blobs take less time than a transaction.
    private var pending: [UpkeepBook.Check] = []
    private var written = Clock.monotonic

    /// Nanoseconds after which checks are written.
    private static let interval: UInt64 = 1_000_000_000

    init(store: Store, log: Logger) throws {
        self.store = store
        self.log = log
        book = try UpkeepBook(path: store.root.upkeep)
        reader = try UpkeepReader(catalog: store.root.database, book: store.root.upkeep)
    }

    /// Forgets damage that was mended since, and blobs that are gone.
    func forgetMended() throws {
        let standing = try Set(store.standingDamage(in: book).map(\.check.blob))
        try book.forget(book.damagedBlobs().map(\.blob).filter { !standing.contains($0) })
        while case let strays = try reader.strayBlobs(atMost: 4096), !strays.isEmpty { try book.forget(strays) }
    }

    /// Damaged blobs whose file was changed since, and those that were last looked at before a time or never, at most so
    /// many: the oldest first.
    func due(before time: Int64, atMost limit: Int) throws -> [ContentID] {
        var due: [(checked: Int64, id: ContentID)] = []
        func shorten() {
            due.sort { $0.checked < $1.checked }
            due.removeLast(max(0, due.count - limit))
        }
        try reader.forEachBlob(now: Clock.seconds) { blob in
            let checked = blob.checked ?? Int64.min
            guard checked <= time else { return }
            due.append((checked, blob.id))
            if due.count >= 2 * limit { shorten() }
        }
        shorten()
        let changed = try store.standingDamage(in: book).filter { try store.lookOfFile($0.check.id) != $0.damage.file }
        return changed.map(\.check.id) + due.map(\.id)
    }

    /// Notes what a check found; damage that is new is logged and written at once.
    ///
    /// - Parameter reason: what is wrong; nil for a sound blob.
    func note(_ record: BlobRecord, _ reason: String?) throws {
        let known = try book.check(ofBlob: record.row, record.id)?.damage
        var check = UpkeepBook.Check(blob: record.row, id: record.id, time: Clock.seconds)
        if let reason {
            var damage = UpkeepBook.Damage(
                reason: reason, file: try store.lookOfFile(record.id), verified: record.verified ?? 0,
                found: known?.found ?? Clock.seconds)
            if damage != known {
                damage.found = Clock.seconds
                log.error("a blob is damaged", metadata: ["sha256": "\(record.id)", "reason": "\(reason)"])
            }
            check.damage = damage
        } else if known != nil {
            log.notice("a blob is sound again", metadata: ["sha256": "\(record.id)"])
        }
        pending.append(check)
        if reason != nil || known != nil || Clock.monotonic &- written >= Self.interval { try write() }
    }

    /// Writes what waits.
    func write() throws {
        written = Clock.monotonic
        // Who found it damaged has begun it anew: what is noted in the old one, nobody reads.
        if !book.isCurrent { book = try UpkeepBook(path: store.root.upkeep) }
        try book.record(pending)
        pending = []
    }
}
