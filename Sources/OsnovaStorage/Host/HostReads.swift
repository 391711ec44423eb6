internal import Primitives
internal import Synchronization
internal import Tree

/// In which state the kernel was given the files and directories of the data root whose content it may have kept.
///
/// It keeps pages and a listing until size or time of modification are others. Any program can set that time back, and two
/// changes within a tick of the disk's clock have the same: so the kernel is told to forget them when the time of change,
/// which nobody sets, is seen to be another, and once more after a reading that came too soon after a change.
final class HostReads: Sendable {
    /// Nanoseconds after a change in which another one may have the same time.
    private static let tick: Int64 = 2_000_000_000
    /// Files remembered at most; then all are told of, and begun anew.
    private static let capacity = 16_384

    private struct State {
        /// The times of change, in Unix nanoseconds.
        var given: [UInt64: Int64] = [:]
        var due: Set<UInt64> = []
        var lately: Set<UInt64> = []
        var earlier: Set<UInt64> = []
        var turned = Clock.monotonic
    }

    private let state = Mutex(State())

    /// Notes that the kernel is given content that was not older than `changed` says, looked at before the content was.
    func note(_ inode: Inode, changed: Int64, now: Int64 = Clock.nanoseconds) {
        state.withLock { state in
            if state.given.count >= Self.capacity {
                state.due.formUnion(state.given.keys)
                state.given = [:]
            }
            // What is in the kernel's pages of before is of another state: nobody may have looked at the file in between.
            let given = state.given.updateValue(changed, forKey: inode.number)
            if let given, given != changed { state.due.insert(inode.number) }
            if changed > now - Self.tick { state.lately.insert(inode.number) }
        }
    }

    /// Compares what a file is now with what the kernel was given of it.
    func compare(_ inode: UInt64, changed: Int64) {
        state.withLock { state in
            guard let given = state.given[inode], given != changed else { return }
            state.given[inode] = nil
            state.due.insert(inode)
        }
    }

    /// What the kernel is to be told of now.
    ///
    /// - Parameter now: of the monotonic clock, in nanoseconds.
    func takeDue(now: UInt64 = Clock.monotonic) -> Set<UInt64> {
        state.withLock { state in
            if now &- state.turned > UInt64(Self.tick) {
                // What was noted lies for one turn at least.
                state.due.formUnion(state.earlier)
                state.earlier = state.lately
                state.lately = []
                state.turned = now
            }
            defer { state.due = [] }
            return state.due
        }
    }
}
