internal import Dispatch
internal import Foundation
public import Logging
internal import Primitives

/// What a mount does for its store by itself, on threads of its own: verify blobs, note what is used of the cache, evict.
public final class Upkeep: Sendable {
    private let stops: [StopSignal]
    private let ended = DispatchGroup()

    /// Starts the threads.
    ///
    /// - Parameters:
    ///   - tree: what is mounted; its store must have its keys.
    ///   - log: told of damage, of evictions and of what fails; nothing that fails here ends a mount.
    public init(of tree: StoreTree, settings: UpkeepSettings, log: Logger) {
        let cacheStop = StopSignal()
        let scrubStop = StopSignal()
        stops = [cacheStop, scrubStop]
        Self.start("osnova-cache", ended) {
            CacheKeeper(
                store: tree.store, database: tree.database, limit: settings.cacheSize, marks: tree.readMarks,
                stop: cacheStop, counters: tree.upkeepCounters, log: log
            ).run()
        }
        guard let scrub = settings.scrub else { return }
        Self.start("osnova-scrub", ended) {
            Scrubber(
                store: tree.store, database: tree.database, settings: scrub, stop: scrubStop,
                counters: tree.upkeepCounters, metrics: tree.metrics, log: log
            ).run()
        }
    }

    /// Ends the threads, at once but for what they write; called once, before the store is closed.
    public func stop() {
        for stop in stops { stop.raise() }
        ended.wait()
    }

    private static func start(_ name: String, _ ended: DispatchGroup, _ work: @escaping @Sendable () -> Void) {
        ended.enter()
        let thread = Thread {
            SystemCalls.nameProcess(name)
            work()
            ended.leave()
        }
        thread.start()
    }
}
