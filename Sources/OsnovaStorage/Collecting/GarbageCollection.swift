internal import Blobs
internal import Catalog
internal import Glibc
public import Primitives
internal import Sealing

/// What a collection removed, or would remove.
public struct CollectionReport: Sendable {
    /// A blob that nothing refers to.
    public struct Garbage: Sendable, Equatable {
        /// The SHA-256 of the plaintext.
        public let id: ContentID
        /// Bytes of plaintext.
        public let size: Int64
        /// Bytes of the sealed file.
        public let storedSize: Int64
        /// Unix seconds at which its file was last written.
        public let stored: Int64
    }

    /// The blobs, in the order in which they came into the store.
    public internal(set) var removed: [Garbage] = []
    /// Blobs that nothing refers to and that are too young to go.
    public internal(set) var keptYoung = 0
    /// Bytes of sealed files.
    public var freedBytes: Int64 {
        removed.reduce(0) { $0 &+ $1.storedSize }
    }
}

/// Removes blobs that nothing refers to; needs no key.
///
/// Safe beside puts of the same content, which hold a lock from when they find it stored until their row refers to it,
/// and beside readers that have a file open. What a killed process leaves in between is a file without a row: the next
/// collection or the next mount meets it again.
public struct GarbageCollection: Sendable {
    /// How long a blob stays though nothing refers to it, in seconds: programs may write a file before its row.
    public static let defaultGrace: Int64 = 24 * 3600

    private static let page = 512
    /// Microseconds in which a mount has heard of a removal.
    private static let mountPatience: UInt32 = 1_000_000
    /// Seconds to wait for puts under way.
    public static let patience: Int64 = 30

    private let store: Store

    /// Readies a collection.
    public init(store: Store) {
        self.store = store
    }

    /// Removes what nothing refers to.
    ///
    /// - Parameters:
    ///   - grace: seconds for which a file stays after it was written.
    ///   - isTrial: whether to remove nothing and only tell.
    /// - Throws: `busy` while contents are being put for long.
    public func run(grace: Int64 = defaultGrace, isTrial: Bool = false) throws -> CollectionReport {
        try store.catalog.settle()
        try store.blobs.removeStaleTemporaries()
        try store.removeLeftovers()
        var report = CollectionReport()
        try forEachGarbage { garbage in
            // Of a time yet to come, as after a clock that was set back, nothing is known: such a file stays.
            if garbage.stored <= Clock.seconds - max(0, grace) {
                report.removed.append(garbage)
            } else {
                report.keptYoung += 1
            }
        }
        if !isTrial { report.removed = try remove(report.removed) }
        return report
    }

    /// Removes those contents of a list that nothing refers to by now.
    func remove(_ garbage: [CollectionReport.Garbage]) throws -> [CollectionReport.Garbage] {
        try inPages(garbage, of: Self.page) { page in
            let lock = try Self.lock(store)
            return try withExtendedLifetime(lock) { try removeLocked(page) }
        }
    }

    /// The same, at once, for who holds the lock.
    func remove(_ garbage: [CollectionReport.Garbage], holding lock: BlobLock) throws -> [CollectionReport.Garbage] {
        try withExtendedLifetime(lock) { try inPages(garbage, of: .max, removeLocked) }
    }

    private func inPages(
        _ garbage: [CollectionReport.Garbage], of count: Int,
        _ removePage: ([CollectionReport.Garbage]) throws -> [CollectionReport.Garbage]
    ) throws -> [CollectionReport.Garbage] {
        var removed: [CollectionReport.Garbage] = []
        var (rest, pace) = (garbage[...], RemovalPace(atMost: count))
        while !rest.isEmpty {
            let page = Array(rest.prefix(pace.count))
            do {
                removed += try removePage(page)
                rest = rest.dropFirst(page.count)
                pace.speedUp()
            } catch {
                try pace.slowDown(after: error, in: store)
            }
        }
        return removed
    }

    /// The right to remove files.
    static func lock(_ store: Store, waitingAtMost patience: Int64 = patience) throws -> BlobLock {
        try store.blobs.lockForRemoval(waitingAtMost: patience)
    }

    /// Rows go first and durably, then files: cut in between, a file without a row is left, never a row without its file.
    ///
    /// Files go within a write transaction: no program can write a row that refers to one while it is looked at.
    private func removeLocked(_ garbage: [CollectionReport.Garbage]) throws -> [CollectionReport.Garbage] {
        let forgotten = try store.catalog.write { writing in
            let free = try writing.forgetBlobs(garbage.map(\.id))
            return garbage.filter { free.contains($0.id) }
        }
        guard !forgotten.isEmpty else { return [] }
        awaitMounts()
        return try store.catalog.write { writing in
            let free = try writing.reading.unreferenced(forgotten.map(\.id))
            return try forgotten.filter { blob in
                // A mount may have met the file anew, or a row may have come that names it: then it stays.
                guard free.contains(blob.id), try !writing.reading.hasBlob(blob.id) else { return false }
                try store.blobs.remove(blob.id)
                return true
            }
        }
    }

    /// A mount opens the file of a blob whose row has gone, so that programs which have it open read on.
    private func awaitMounts() {
        if RootLock.isMounted(store.root) { usleep(Self.mountPatience) }
    }

    // MARK: Finding

    private func forEachGarbage(_ body: (CollectionReport.Garbage) -> Void) throws {
        var row = Int64.min
        while true {
            let records = try store.catalog.read { try $0.unreferencedBlobs(after: row, limit: Self.page) }
            guard let last = records.last else { break }
            row = last.row
            let free = try store.catalog.read { try $0.unreferenced(records.map(\.id)) }
            for record in records where free.contains(record.id) {
                let written = try store.blobs.status(of: record.id)?.modified ?? 0
                body(
                    .init(
                        id: record.id, size: record.size, storedSize: record.storedSize,
                        stored: max(record.created, written) / 1_000_000_000))
            }
        }
        try forEachUntracked(body)
    }

    /// Sealed files that have no row, as another program or a killed collection leaves them.
    private func forEachUntracked(_ body: (CollectionReport.Garbage) -> Void) throws {
        var ids: [ContentID] = []
        try store.blobs.scan { entry in
            if case .blob(let id) = entry, try store.catalog.read({ try !$0.hasBlob(id) }) { ids.append(id) }
            return true
        }
        let free = try store.catalog.read { try $0.unreferenced(ids) }
        for id in ids where free.contains(id) {
            guard let status = try store.blobs.status(of: id) else { continue }
            let size = SealedLayout.plaintextLength(ofFile: status.size) ?? 0
            body(.init(id: id, size: size, storedSize: status.size, stored: status.modified / 1_000_000_000))
        }
    }
}
