internal import Dispatch
public import Primitives
internal import Synchronization

/// Writes what need not wait: signs of life, times of use, launch counts, one transaction an interval.
///
/// A call costs a dictionary entry and never waits for the disk, unless so many rows wait that the queue is full: then
/// the caller writes them, if it is not within a ``Catalog/write(_:)``. A crash, of the process or of the machine, loses
/// at most what was reported within the last interval; ``close()`` loses nothing. What ``Catalog/write(_:)`` returned as
/// saved is never at stake. A write that fails is tried again at the next interval, a tenth of a second later at least,
/// together with what came since.
public final class BatchWriter: Sendable {
    private struct State {
        var pending = PendingWrites()
        var isScheduled = false
        var isClosed = false

        /// Whether the caller is to schedule an attempt: rows wait, and nobody will write them.
        mutating func claimAttempt() -> Bool {
            guard pending.count > 0, !isScheduled, !isClosed else { return false }
            isScheduled = true
            return true
        }
    }

    /// Seconds from a failure to the next attempt, at least: what fails at once would keep a core busy.
    private static let restAfterFailure = 0.1

    private let catalog: Catalog
    private let interval: Double
    private let capacity: Int
    private let onFailure: @Sendable (any Error) -> Void
    private let state = Mutex(State())
    /// Held while a transaction runs, so that batches come one after another.
    private let writing = Mutex(())
    private let queue = DispatchQueue(label: "osnova.batch-writer")

    /// Readies a writer.
    ///
    /// - Parameters:
    ///   - interval: seconds that a row waits at most, and so what a crash may lose; what is no such number is none.
    ///   - capacity: rows that wait at most.
    ///   - onFailure: told why an interval could not be written; from any thread.
    public init(
        _ catalog: Catalog, interval: Double = 0.5, capacity: Int = 10_000,
        onFailure: @escaping @Sendable (any Error) -> Void = { _ in }
    ) {
        self.catalog = catalog
        self.interval = Waiting.patience(interval)
        self.capacity = max(1, capacity)
        self.onFailure = onFailure
    }

    // MARK: What can be reported

    /// A component's process lives.
    public func heartbeat(of componentID: String, processID: Int64, at time: Int64 = Clock.seconds) throws {
        let beat = PendingWrites.Heartbeat(componentID: ExactText(componentID), processID: processID)
        try add(time, componentID) { pending, _ in pending.heartbeats[beat] = max(time, pending.heartbeats[beat] ?? 0) }
    }

    /// A component was used.
    public func componentUsed(_ id: String, at time: Int64 = Clock.seconds) throws {
        try add(time, id) { $0.componentUses[$1] = max(time, $0.componentUses[$1] ?? 0) }
    }

    /// An application was launched.
    public func applicationLaunched(_ id: String, at time: Int64 = Clock.seconds) throws {
        try add(time, id) { $0.launches[$1, default: .init(times: 0, last: 0)].join(.init(times: 1, last: time)) }
    }

    /// Cached content was read.
    public func cacheEntryUsed(_ address: String, at time: Int64 = Clock.seconds) throws {
        try add(time, address) {
            $0.cacheUses[$1, default: .init(times: 0, last: 0)].join(.init(times: 1, last: time))
        }
    }

    /// A derived key was used.
    public func keyUsed(publicKey: String, at time: Int64 = Clock.seconds) throws {
        try add(time, publicKey) { $0.keyUses[$1] = max(time, $0.keyUses[$1] ?? 0) }
    }

    private func add(_ time: Int64, _ key: String, _ change: (inout PendingWrites, ExactText) -> Void) throws {
        try FieldCheck.time(time, "time that is reported")
        try FieldCheck.text(key, "key that is reported")
        let (isFull, isFirst) = try state.withLock { state in
            guard !state.isClosed else { throw OsnovaError(.usage, "the batch writer is closed already") }
            change(&state.pending, ExactText(key))
            return (state.pending.count >= capacity, state.claimAttempt())
        }
        if isFirst { schedule() }
        // Within a write nobody can write: what is scheduled will.
        if isFull, !catalog.isWriting { try flush() }
    }

    // MARK: Writing

    private func schedule(waitingAtLeast rest: Double = 0) {
        queue.asyncAfter(deadline: .now() + max(interval, rest)) { [self] in
            state.withLock { $0.isScheduled = false }
            do { try flush() } catch {
                onFailure(error)
                if state.withLock({ $0.claimAttempt() }) { schedule(waitingAtLeast: Self.restAfterFailure) }
            }
        }
    }

    /// Writes everything that was reported before this call; durable when it returns.
    ///
    /// - Throws: `usage` within a ``Catalog/write(_:)``; what the database throws. Nothing is lost by it, the rows wait for
    ///   the next interval.
    public func flush() throws {
        // Before the wait: whoever writes for this object may wait for the write that this thread is within.
        guard !catalog.isWriting else {
            throw OsnovaError(.usage, "a batch is written within a write of \(catalog.path): do it after that")
        }
        try writing.withLock { _ in
            let batch = state.withLock { state in
                defer { state.pending = PendingWrites() }
                return state.pending
            }
            guard batch.count > 0 else { return }
            do {
                try catalog.write { try $0.apply(batch) }
            } catch {
                state.withLock { $0.pending.join(batch) }
                throw error
            }
        }
    }

    /// Writes what waits and takes nothing more.
    ///
    /// - Throws: what the database throws; then it is not closed, and can be tried again.
    public func close() throws {
        state.withLock { $0.isClosed = true }
        do { try flush() } catch {
            let isWanted = state.withLock { state in
                state.isClosed = false
                return state.claimAttempt()
            }
            if isWanted { schedule() }
            throw error
        }
    }
}
