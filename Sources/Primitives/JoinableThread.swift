internal import Glibc

/// A thread of one's own; every signal is blocked in it, so that signals reach the program's first threads.
public struct JoinableThread: Sendable {
    private let thread: pthread_t

    /// Starts a thread that runs `body` once.
    ///
    /// - Throws: `unavailable` where the system has no more of them.
    public init(_ body: @escaping @Sendable () -> Void) throws {
        var every = sigset_t()
        var before = sigset_t()
        sigfillset(&every)
        pthread_sigmask(SIG_SETMASK, &every, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        let work = Unmanaged.passRetained(Work(body))
        var thread = pthread_t()
        let failure = pthread_create(&thread, nil, runWork, work.toOpaque())
        guard failure == 0 else {
            work.release()
            let reason = String(cString: strerror(failure))
            throw OsnovaError(.unavailable, "no further thread (\(reason)): raise ulimit -u")
        }
        self.thread = thread
    }

    /// Waits until `body` has returned.
    public func join() { pthread_join(thread, nil) }

    /// Leaves it to itself instead of joining it.
    public func detach() { pthread_detach(thread) }
}

private final class Work: Sendable {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

private func runWork(_ work: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let work else { return nil }
    Unmanaged<Work>.fromOpaque(work).takeRetainedValue().body()
    return nil
}
