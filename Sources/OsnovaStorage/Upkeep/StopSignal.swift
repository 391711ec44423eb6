internal import Dispatch
internal import Synchronization

/// Wakes one thread that waits, and tells it to end.
final class StopSignal: Sendable {
    private let isRaised = Atomic(false)
    private let semaphore = DispatchSemaphore(value: 0)

    /// Tells the thread to end.
    func raise() {
        isRaised.store(true, ordering: .sequentiallyConsistent)
        semaphore.signal()
    }

    /// Whether the thread is to end.
    var isSet: Bool { isRaised.load(ordering: .relaxed) }

    /// Waits, for no longer than until the thread is to end, by a clock that nobody sets.
    ///
    /// - Returns: whether the thread is to end.
    @discardableResult
    func wait(nanoseconds: UInt64) -> Bool {
        if isSet { return true }
        _ = semaphore.wait(timeout: .now() + .nanoseconds(Int(clamping: nanoseconds)))
        return isSet
    }

    @discardableResult
    func wait(seconds: Int64) -> Bool { wait(nanoseconds: UInt64(clamping: seconds) &* 1_000_000_000) }
}
