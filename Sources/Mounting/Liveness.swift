internal import Dispatch
internal import Glibc
internal import Primitives
internal import Synchronization

/// Whether somebody answers behind a mount point.
enum Liveness {
    case answers
    /// The driver is gone.
    case dead
    /// The driver is there and does not answer: it is stopped, or waits for a disk.
    case silent

    /// Seconds that an answer may take.
    private static let patience: Double = 3

    /// What one probe found, and the wait for it.
    private final class Probe: Sendable {
        let errorNumber = Atomic<Int32>(-1)
        let answered = DispatchSemaphore(value: 0)
    }

    /// Asks a mount; whatever is no mount answers as well.
    ///
    /// On a thread of its own, which stays behind where no answer comes: nothing else can leave that system call.
    static func of(_ path: String) -> Liveness {
        let probe = Probe()
        let thread = try? JoinableThread {
            probe.errorNumber.store(ResolvedPath.probe(path), ordering: .sequentiallyConsistent)
            probe.answered.signal()
        }
        guard let thread else { return .silent }
        guard probe.answered.wait(timeout: .now() + patience) == .success else {
            thread.detach()
            return .silent
        }
        thread.join()
        return probe.errorNumber.load(ordering: .sequentiallyConsistent) == ENOTCONN ? .dead : .answers
    }
}
