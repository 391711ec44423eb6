internal import Foundation
internal import OsnovaStorage
internal import Synchronization

/// Writes through a connection pool of its own for as long as a measurement takes, as another program would.
final class BackgroundWriter: Sendable {
    private struct State {
        var isStopped = false
        var commits = 0
    }

    private let state = Mutex(State())

    init(path: String) throws {
        let catalog = try Catalog(path: path) { _ in nil }
        Thread.detachNewThread { [self] in
            var number = 0
            while !state.withLock({ $0.isStopped }) {
                number += 1
                // A busy moment is no reason to end.
                guard (try? Self.write(catalog, number)) != nil else { continue }
                state.withLock { $0.commits += 1 }
                usleep(2_000)
            }
            try? catalog.close()
        }
    }

    private static func write(_ catalog: Catalog, _ number: Int) throws {
        let text = "a new message of the writer \(number)"
        try catalog.write { writing in
            try writing.save(Message(channel: "writer", sender: "writer", body: text))
            try writing.save(CatalogFilling.transaction(100_000 + number))
        }
    }

    /// Ends the writing; the number of transactions that were committed.
    @discardableResult
    func stop() -> Int {
        state.withLock { state in
            state.isStopped = true
            return state.commits
        }
    }
}

/// Ten thousand heartbeats a second, and a reader beside them.
struct HeartbeatBenchmark {
    let catalog: Catalog
    let report: BenchmarkReport

    private static let seconds = 5
    private static let perSecond = 10_000

    func run() throws {
        let count = CatalogFilling.components
        let batch = BatchWriter(catalog)
        let failure = Mutex<(any Error)?>(nil)
        let done = DispatchSemaphore(value: 0)
        let started = Clock.nanoseconds
        Thread.detachNewThread {
            do { try Self.beat(batch, count) } catch { failure.withLock { $0 = error } }
            done.signal()
        }
        var samples = Samples("reader beside 10,000 heartbeats a second")
        while done.wait(timeout: .now() + 0.001) == .timedOut {
            let id = CatalogFilling.componentID(Int(Clock.nanoseconds / 1000 % 1_000))
            _ = try samples.measure { try catalog.read { try $0.registration(of: id) } }
        }
        try batch.close()
        if let error = failure.withLock({ $0 }) { throw error }
        let rate = Double(Self.seconds * Self.perSecond) / (Double(Clock.nanoseconds - started) / 1e9)
        report.header()
        report.add(samples, below: 5)
        report.note("slowest read beside heartbeats", samples.slowest, "ms", below: nil)
        report.note("heartbeats absorbed", rate, "a second", below: nil)
    }

    private static func beat(_ batch: BatchWriter, _ count: Int) throws {
        let started = Clock.nanoseconds
        for number in 0..<(seconds * perSecond) {
            try batch.heartbeat(of: CatalogFilling.componentID(number % count), processID: Int64(getpid()))
            let due = started + Int64(number) * 1_000_000_000 / Int64(perSecond)
            if due > Clock.nanoseconds + 1_000_000 { usleep(1_000) }
        }
    }
}
