internal import Catalog
internal import Logging
internal import Primitives

/// Keeps the cache of a mounted store: notes which entries were read, and evicts what is over the limit.
///
/// Used by the thread that runs it.
final class CacheKeeper {
    private let store: Store
    private let database: DatabaseWatch
    private let limit: Int64?
    private let uses: CacheUses
    private let stop: StopSignal
    private let counters: UpkeepCounters
    private let log: Logger
    private var seenChanges: Int64?
    private var toldFull = false

    /// Seconds for which reads are gathered.
    private static let gathering: Int64 = 3600
    /// An access time is no older than this when its entry is read: a day, as `relatime` has it, in seconds.
    private static let coarseness: Int64 = 86_400

    init(
        store: Store, database: DatabaseWatch, limit: Int64?, marks: ReadMarks, stop: StopSignal,
        counters: UpkeepCounters, log: Logger
    ) {
        self.store = store
        self.database = database
        self.limit = limit
        uses = CacheUses(store: store, marks: marks)
        self.stop = stop
        self.counters = counters
        self.log = log
    }

    /// Goes on until it is told to stop; notes what was read then, too.
    func run() {
        var noted = Clock.monotonicSeconds
        repeat {
            uses.gather()
            if limit != nil { attempt("evicting from the cache") { try evictIfFull() } }
            guard Clock.monotonicSeconds - noted >= Self.gathering else { continue }
            attempt("noting what was read") { try uses.note(coarseness: Self.coarseness) }
            noted = Clock.monotonicSeconds
        } while !stop.wait(seconds: limit == nil ? Self.gathering : 1)
        uses.gather()
        // What an ending mount has gathered is not worth that somebody waits for another program.
        attempt("noting what was read") { try uses.note(coarseness: Self.coarseness, waitingAtMost: 0.5) }
    }

    private func attempt(_ doing: String, _ work: () throws -> Void) {
        do {
            try database.checkNow()
            try work()
        } catch let error as OsnovaError where error.kind == .busy {
            // Contents are being put: another time.
        } catch {
            log.error("\(doing) failed", metadata: ["reason": "\(error)"])
            // Not every second the same.
            stop.wait(seconds: 60)
        }
    }

    private func evictIfFull() throws {
        guard let limit else { return }
        let changes = try store.catalog.read { try $0.cacheChanges() }
        guard changes != seenChanges else { return }
        let eviction = CacheEviction(store: store)
        if try store.catalog.read({ try $0.cachedBytes() }) > limit {
            // Which entries go depends on what was read up to now.
            try uses.note(coarseness: 0)
            if try eviction.isNeeded(downTo: limit) {
                try report(eviction.run(downTo: limit, patience: 0))
            } else if !toldFull {
                log.notice("the cache is over its limit: all of it is pinned or in use")
                toldFull = true
            }
        }
        seenChanges = changes
    }

    private func report(_ report: EvictionReport) {
        toldFull = false
        counters.didEvict(report.evicted.count)
        log.info(
            "evicted from the cache",
            metadata: ["entries": "\(report.evicted.count)", "bytes_left": "\(report.bytesLeft)"])
    }
}
