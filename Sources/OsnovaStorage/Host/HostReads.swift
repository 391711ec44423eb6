internal import Primitives
internal import Synchronization
internal import Tree

/// The files and directories of the data root whose content the kernel was given and may have kept.
///
/// It keeps pages and a listing until size or time of their file are others. Any program can set a time back, and two
/// changes within a tick of the disk's clock have the same: so the kernel is told to forget them soon after each reading.
final class HostReads: Sendable {
    /// Nanoseconds between two turns.
    ///
    /// What was noted lies one turn at least: an answer that reached the kernel's pages only after the kernel was told to
    /// forget them would stay there.
    private static let turn: UInt64 = 300_000_000

    private struct State {
        var lately: Set<UInt64> = []
        var earlier: Set<UInt64> = []
        var turned: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Notes that the kernel is given content.
    func note(_ inode: Inode) {
        _ = state.withLock { $0.lately.insert(inode.number) }
    }

    /// What the kernel is to be told of now; nil before the next turn.
    func due(now: UInt64 = Clock.monotonic) -> Set<UInt64>? {
        state.withLock { state in
            guard now - state.turned >= Self.turn else { return nil }
            defer {
                state.earlier = state.lately
                state.lately = []
                state.turned = now
            }
            return state.earlier
        }
    }
}
