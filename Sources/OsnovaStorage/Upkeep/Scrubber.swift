internal import Catalog
internal import Logging
internal import Primitives
internal import SystemPackage
internal import Tree

/// Verifies the blobs of a mounted store in the background: one after another, whose last verification is longest ago first.
///
/// The place where it is are the times of ``UpkeepBook``, so the next mount goes on there; a blob that an ending mount was
/// at is begun anew. Used by the thread that runs it.
final class Scrubber {
    /// Thrown from within a check when the mount ends.
    private struct Stopped: Error {}

    private let store: Store
    private let database: DatabaseWatch
    private let settings: UpkeepSettings.Scrub
    private let stop: StopSignal
    private let counters: UpkeepCounters
    private let metrics: DriveMetrics
    private let log: Logger
    private var pace: Pace
    private var activity: MountActivity
    private var toldFailure: String?

    /// Blobs that are chosen at a time; finding them reads through all rows.
    private static let batch = 16_384
    /// A small blob is counted as so many bytes: to open one costs as well.
    private static let leastCost = 64 << 10
    /// Seconds until the rows are looked through again when nothing is due, and after a failure.
    private static let rest: Int64 = 600

    init(
        store: Store, database: DatabaseWatch, settings: UpkeepSettings.Scrub, stop: StopSignal,
        counters: UpkeepCounters, metrics: DriveMetrics, log: Logger
    ) {
        self.store = store
        self.database = database
        self.settings = settings
        self.stop = stop
        self.counters = counters
        self.metrics = metrics
        self.log = log
        pace = Pace(bytesPerSecond: settings.bytesPerSecond)
        activity = MountActivity(requests: metrics.totals().requests, now: Clock.monotonic)
    }

    /// Goes on until it is told to stop.
    func run() {
        SystemCalls.yieldToOthers()
        while !stop.isSet {
            do {
                while try scrubDue() {}
            } catch is Stopped {
                return
            } catch {
                if remakeBook() { continue }
                tell(error)
            }
            stop.wait(seconds: Self.rest)
        }
    }

    /// Begins the book anew where it is damaged; false where it is not.
    private func remakeBook() -> Bool {
        guard (try? UpkeepBook.remakeIfDamaged(path: store.root.upkeep)) == true else { return false }
        log.notice("what was known of verifications was damaged, and is begun anew")
        return true
    }

    /// Verifies what is due; false where nothing was, or nothing could be noted.
    private func scrubDue() throws -> Bool {
        try database.checkNow()
        // Of several mounts of a store, one scrubs.
        guard let lock = try UpkeepLock.take(store.root) else { return false }
        return try withExtendedLifetime(lock) {
            let notes = try ScrubNotes(store: store, log: log)
            try notes.forgetMended()
            let due = try notes.due(before: Clock.seconds - settings.period, atMost: Self.batch)
            let check = try BlobCheck(store: store, readsDisk: true) { [self] in try didRead($0) }
            var hasNoted = false
            do {
                for id in due where try scrub(id, check, notes) { hasNoted = true }
            } catch is Stopped {
                // What fails now is verified again by the next mount.
                try? notes.write()
                throw Stopped()
            }
            try notes.write()
            return hasNoted
        }
    }

    /// False for a blob whose row is gone.
    private func scrub(_ id: ContentID, _ check: BlobCheck, _ notes: ScrubNotes) throws -> Bool {
        try awaitQuiet()
        guard let first = try look(at: id, check) else { return false }
        var (record, condition) = first
        if condition.reason != nil {
            // Row or file may have been replaced between the looks at them: what is damaged must be so twice.
            guard let second = try look(at: id, check) else { return false }
            (record, condition) = second
        }
        counters.didCheck()
        let uncounted = Self.leastCost - min(Self.leastCost, max(0, Int(clamping: record.size)))
        try wait(pace.pause(afterReading: uncounted, now: Clock.monotonic))
        // Files that went with the database are not damaged.
        try database.checkNow()
        try notes.note(record, condition.reason)
        return true
    }

    /// The row of a blob as it is now, and what its file is; nil where the row is gone.
    private func look(at id: ContentID, _ check: BlobCheck) throws -> (BlobRecord, BlobCondition)? {
        guard let record = try store.catalog.read({ try $0.blob(id) }) else { return nil }
        let condition = try check.condition(of: record)
        // Removed while it was read: what is missing is nobody's.
        guard try store.catalog.read({ try $0.blob(id)?.row }) == record.row else { return nil }
        return (record, condition)
    }

    // MARK: Being in nobody's way

    private func didRead(_ bytes: Int) throws {
        counters.didRead(bytes)
        try wait(pace.pause(afterReading: bytes, now: Clock.monotonic))
        try awaitQuiet()
    }

    private func awaitQuiet() throws {
        repeat {
            let now = Clock.monotonic
            if activity.isDue(now: now) { activity.look(requests: metrics.totals().requests, now: now) }
            try wait(activity.isBusy ? MountActivity.interval : 0)
        } while activity.isBusy
    }

    private func wait(_ nanoseconds: UInt64) throws {
        if nanoseconds == 0 ? stop.isSet : stop.wait(nanoseconds: nanoseconds) { throw Stopped() }
    }

    /// A failure that lasts is told once.
    private func tell(_ error: any Error) {
        let reason = "\(error)"
        if toldFailure != reason { log.error("verifying in the background failed", metadata: ["reason": "\(reason)"]) }
        toldFailure = reason
    }
}

extension DriveTotals {
    /// Requests of all kinds.
    var requests: UInt64 { DriveOperation.allCases.reduce(0) { $0 &+ requests($1) } }
}
