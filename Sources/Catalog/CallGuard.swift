internal import Glibc
internal import Primitives
internal import Synchronization

/// Knows which threads run closures of a catalog just now, and whether it is closed.
///
/// A read within a read and a write within a write would end the process, closing within either would wait for itself,
/// and of a closed database SQLite says that it has no memory.
final class CallGuard: Sendable {
    private struct State {
        var isClosed = false
        var readers: [pthread_t] = []
        var writer: pthread_t?

        var isReading: Bool { readers.contains(pthread_self()) }
        var isWriting: Bool { writer == pthread_self() }
    }

    private let path: String
    private let state = Mutex(State())

    init(path: String) {
        self.path = path
    }

    /// Whether this thread is within a write.
    var isWriting: Bool { state.withLock { $0.isWriting } }
    /// Whether the database is closed.
    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// The error for a database that is closed.
    var closed: OsnovaError { OsnovaError(.usage, "\(path) is closed: open the store again") }

    /// Makes sure that this thread may begin to read.
    ///
    /// - Throws: `usage` within a read, and for a database that is closed.
    func requireNoRead() throws {
        let state = state.withLock { (isClosed: $0.isClosed, isReading: $0.isReading) }
        guard !state.isClosed else { throw closed }
        guard !state.isReading else {
            throw OsnovaError(.usage, "a read of \(path) begins within a read: use what the closure of that one got")
        }
    }

    /// Makes sure that this thread may begin to write.
    ///
    /// - Throws: `usage` within a write, and for a database that is closed.
    func requireNoWrite() throws {
        let state = state.withLock { (isClosed: $0.isClosed, isWriting: $0.isWriting) }
        guard !state.isClosed else { throw closed }
        guard !state.isWriting else {
            throw OsnovaError(.usage, "a write of \(path) begins within a write: use what the closure of that one got")
        }
    }

    /// Runs a closure as a read.
    func reading<Result>(_ body: () throws -> Result) rethrows -> Result {
        state.withLock { $0.readers.append(pthread_self()) }
        defer {
            state.withLock { state in
                if let index = state.readers.lastIndex(of: pthread_self()) { state.readers.remove(at: index) }
            }
        }
        return try body()
    }

    /// Runs a closure as a write, of which there is one at a time.
    func writing<Result>(_ body: () throws -> Result) rethrows -> Result {
        state.withLock { $0.writer = pthread_self() }
        defer { state.withLock { $0.writer = nil } }
        return try body()
    }

    /// Takes note that the database is closed, or is not after all.
    func setClosed(_ isClosed: Bool) { state.withLock { $0.isClosed = isClosed } }

    /// Makes sure that this thread may close the database.
    ///
    /// - Throws: `usage` within a read or a write.
    func requireOutside() throws {
        guard state.withLock({ !$0.isReading && !$0.isWriting }) else {
            throw OsnovaError(.usage, "\(path) cannot be closed within a read or a write of it: close it after that")
        }
    }
}
