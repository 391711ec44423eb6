internal import Glibc
internal import Synchronization

/// A semaphore that a signal handler may post.
///
/// `@unchecked Sendable` holds because a `sem_t` is made for several threads. Its 32 bytes are never freed: a handler may
/// still be about to post when everybody else is done.
final class Semaphore: @unchecked Sendable {
    fileprivate let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        semaphore = .allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
    }

    func post() { sem_post(semaphore) }

    func wait() {
        while sem_wait(semaphore) != 0 && errno == EINTR {}
    }
}

/// The signals that end a mount: while installed, SIGINT, SIGTERM and SIGHUP post a semaphore and SIGPIPE is ignored.
///
/// libfuse's own handlers only wake a loop that runs on the thread that gets the signal; these work on any thread.
struct TerminationSignals {
    private static let ending = [SIGINT, SIGTERM, SIGHUP]
    private var previous: [(signal: Int32, action: sigaction)] = []

    /// Installs the handlers; another mount of the process that has them already keeps them.
    init(posting semaphore: Semaphore) {
        let address = UInt(bitPattern: semaphore.semaphore)
        let claim = posted.compareExchange(expected: 0, desired: address, ordering: .sequentiallyConsistent)
        guard claim.exchanged else { return }
        for signal in Self.ending { install(postSemaphore, for: signal) }
        install(SIG_IGN, for: SIGPIPE)
    }

    /// Gives the signals back to whom they belonged.
    func restore() {
        if previous.isEmpty { return }
        for replaced in previous {
            var action = replaced.action
            sigaction(replaced.signal, &action, nil)
        }
        posted.store(0, ordering: .sequentiallyConsistent)
    }

    private mutating func install(_ handler: __sighandler_t?, for signal: Int32) {
        previous.append((signal, SignalHandler.install(handler, for: signal)))
    }
}

/// A signal that does nothing but interrupt what a thread waits for.
enum WakingSignal {
    /// Ignored by default, so nobody depends on what it does.
    private static let signal = SIGURG

    /// Readies the signal for the calling thread, which may hold it back; the returned closure, called there too, restores
    /// what was before.
    static func install() -> () -> Void {
        var previous = SignalHandler.install({ _ in }, for: signal)
        var (own, mask) = (sigset_t(), sigset_t())
        sigemptyset(&own)
        sigaddset(&own, signal)
        pthread_sigmask(SIG_UNBLOCK, &own, &mask)
        return {
            pthread_sigmask(SIG_SETMASK, &mask, nil)
            sigaction(signal, &previous, nil)
        }
    }

    static func send(to thread: pthread_t) { pthread_kill(thread, signal) }
}

private enum SignalHandler {
    /// Installs a handler without SA_RESTART, so that it interrupts waiting calls; the action that it replaces.
    static func install(_ handler: __sighandler_t?, for signal: Int32) -> sigaction {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = handler
        sigfillset(&action.sa_mask)
        var previous = sigaction()
        sigaction(signal, &action, &previous)
        return previous
    }
}

/// The address of the semaphore that signals post; 0 where there is none.
private let posted = Atomic<UInt>(0)

private func postSemaphore(_: Int32) {
    let interrupted = errno
    let address = posted.load(ordering: .sequentiallyConsistent)
    if let semaphore = UnsafeMutablePointer<sem_t>(bitPattern: address) { sem_post(semaphore) }
    errno = interrupted
}
