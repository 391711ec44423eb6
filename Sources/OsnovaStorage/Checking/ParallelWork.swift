internal import Dispatch
internal import Foundation
internal import Synchronization

/// Work on all cores.
enum ParallelWork {
    /// Runs `body` once on each core and waits for all; what one throws is thrown in the end.
    static func onEachCore(_ body: @Sendable () throws -> Void) throws {
        let failure = Mutex<(any Error)?>(nil)
        DispatchQueue.concurrentPerform(iterations: ProcessInfo.processInfo.activeProcessorCount) { _ in
            do { try body() } catch { failure.withLock { $0 = $0 ?? error } }
        }
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
    private let nextPage: @Sendable () throws -> [Item]

    /// - Parameter nextPage: called by one thread at a time; an empty page is the end.
    init(nextPage: @escaping @Sendable () throws -> [Item]) {
        self.nextPage = nextPage
    }

    convenience init(_ items: [Item]) {
        let rest = Mutex(items)
        self.init {
            rest.withLock { items in
                defer { items = [] }
                return items
            }
        }
    }

    /// The next item; nil when there is none, or when reading a page failed for another thread.
    func next() throws -> Item? {
        try state.withLock { state in
            if state.items.isEmpty, !state.isDone {
                // Whatever fails here would fail for the next thread too.
                state.isDone = true
                let page = try nextPage()
                state.items = page[...]
                state.isDone = page.isEmpty
            }
            return state.items.popFirst()
        }
    }
}
