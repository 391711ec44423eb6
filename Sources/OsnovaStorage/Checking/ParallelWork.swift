internal import Foundation
internal import Primitives
internal import Synchronization

/// Work on several threads.
enum ParallelWork {
    /// Processors that threads share.
    static var cores: Int { ProcessInfo.processInfo.activeProcessorCount }
    /// Threads beyond the cores, at most: each has buffers of its own.
    private static let mostExtra = 48

    /// Runs `body` on about so many threads for each core and waits for all; what one throws is thrown in the end.
    static func onAllCores(threadsEach: Int, _ body: @escaping @Sendable () throws -> Void) throws {
        let failure = Mutex<(any Error)?>(nil)
        var threads: [JoinableThread] = []
        for _ in 0..<min(threadsEach * cores, cores + mostExtra) {
            do {
                threads.append(
                    try JoinableThread {
                        do { try body() } catch { failure.withLock { $0 = $0 ?? error } }
                    })
            } catch {
                // Fewer can do it too.
                guard !threads.isEmpty else { throw error }
                break
            }
        }
        for thread in threads { thread.join() }
        if let error = failure.withLock({ $0 }) { throw error }
    }
}

/// Items that threads take as they have time, read page by page by whoever finds none left.
final class WorkQueue<Item: Sendable>: Sendable {
    private struct State {
        var items: ArraySlice<Item> = []
        var isDone = false
    }

    private let state = Mutex(State())
    private let weight: @Sendable (Item) -> Int64
    private let nextPage: @Sendable () throws -> [Item]

    /// What threads take at once, in items and in weight.
    private let mostItems = 64
    private let mostWeight: Int64 = 4 << 20

    /// - Parameters:
    ///   - weight: about how much work an item is, in bytes.
    ///   - nextPage: called by one thread at a time; an empty page is the end.
    init(weight: @escaping @Sendable (Item) -> Int64, nextPage: @escaping @Sendable () throws -> [Item]) {
        self.weight = weight
        self.nextPage = nextPage
    }

    /// Items of unknown weight, each taken alone.
    convenience init(_ items: [Item]) {
        let rest = Mutex(items)
        self.init(weight: { _ in .max }) {
            rest.withLock { items in
                defer { items = [] }
                return items
            }
        }
    }

    /// The next items; none when there are none, or when reading a page failed for another thread.
    ///
    /// Several light ones: threads that ask for each would wait for each other more than they work. A heavy one alone, so that
    /// all threads end at about the same time.
    func next() throws -> ArraySlice<Item> {
        try state.withLock { state in
            if state.items.isEmpty, !state.isDone {
                // Whatever fails here would fail for the next thread too.
                state.isDone = true
                let page = try nextPage()
                state.items = page[...]
                state.isDone = page.isEmpty
            }
            var room = mostWeight
            let taken = state.items.prefix(mostItems).prefix { item in
                defer { room = room.subtractingReportingOverflow(weight(item)).partialValue }
                return room > 0
            }
            state.items = state.items.dropFirst(taken.count)
            return taken
        }
    }
}
