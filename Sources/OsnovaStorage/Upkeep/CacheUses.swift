internal import Catalog
internal import Primitives

/// What was read of the cache, until it is noted in the database.
///
/// Used by one thread.
final class CacheUses {
    private let store: Store
    private let marks: ReadMarks
    /// Unix seconds by the place of a blob among the marks.
    private var times: [Int: Int64] = [:]
    private var sawWalk = false

    /// How many contents a walk reads at least.
    private static let leastWalk = 16
    /// Who reads more than so many blobs in the time between two notes walks; more are not gathered.
    private static let largest = 1 << 16
    private static let page = 4096

    init(store: Store, marks: ReadMarks) {
        self.store = store
        self.marks = marks
    }

    /// Takes the marks that were set since the last call, and says that it was now.
    func gather() {
        let now = Clock.seconds
        // Whoever copies the database copies the whole view.
        if marks.takeCopy() { sawWalk = true }
        marks.take { if times.count < Self.largest { times[$0] = now } else { sawWalk = true } }
    }

    /// Notes what was gathered, unless it was a walk.
    ///
    /// - Parameter seconds: how long to wait for another program's lock.
    func note(coarseness: Int64, waitingAtMost seconds: Double = 10) throws {
        defer {
            times = [:]
            sawWalk = false
        }
        guard !times.isEmpty, !sawWalk else { return }
        var uses: [(address: [UInt8], time: Int64)] = []
        var used: Set<Int64> = []
        var contents: Set<Int64> = []
        try forEachEntry { entry in
            contents.insert(entry.blob)
            guard let time = times[ReadMarks.place(of: entry.blob)] else { return }
            used.insert(entry.blob)
            uses.append((entry.address, time))
        }
        guard !uses.isEmpty, !Self.isWalk(read: used.count, of: contents.count) else { return }
        try store.catalog.writeDerived(waitingAtMost: seconds) { _ = try $0.recordUse(uses, coarseness: coarseness) }
    }

    /// Whether so much was read that it tells nothing of what is used: a backup, an index, a checksum of everything.
    static func isWalk(read: Int, of contents: Int) -> Bool {
        read >= leastWalk && read > contents / 2
    }

    private func forEachEntry(_ body: (CachedBlob) -> Void) throws {
        var position: Int64 = -1
        while true {
            let entries = try store.catalog.read { try $0.cachedBlobs(after: position, limit: Self.page) }
            guard let last = entries.last else { return }
            for entry in entries { body(entry) }
            position = last.position
        }
    }
}
