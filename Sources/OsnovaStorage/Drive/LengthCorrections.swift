internal import Synchronization
internal import Tree

/// Blobs whose length the database had wrong, so that a kernel takes a false end of the content for the true one.
///
/// Adoption puts the row right, but until the kernel has heard of it every read must fail: it would be cut short and look
/// complete.
final class LengthCorrections: Sendable {
    private struct State {
        /// Put right in the database, not yet handed to whoever tells the kernel.
        var waiting: Set<Int64> = []
        /// Handed over; the kernel knows when more changes are asked for.
        var underway: Set<Int64> = []
    }

    private let state = Mutex(State())

    /// Has reads of a blob fail until the kernel was told its length.
    func add(_ row: Int64) {
        _ = state.withLock { $0.waiting.insert(row) }
    }

    /// Whether the kernel may still believe in the wrong length.
    func isOutstanding(_ row: Int64) -> Bool {
        state.withLock { $0.waiting.contains(row) || $0.underway.contains(row) }
    }

    /// Takes note of changes that are handed over; those handed over before have reached the kernel.
    func handOver(_ changes: [TreeChange]) {
        state.withLock { state in
            state.underway.removeAll()
            guard !state.waiting.isEmpty else { return }
            for change in changes {
                switch change {
                case .changed(let inode):
                    guard case .blob(let row) = Inode(number: inode) else { continue }
                    if state.waiting.remove(row) != nil { state.underway.insert(row) }
                case .everything:
                    state.underway.formUnion(state.waiting)
                    state.waiting.removeAll()
                case .added, .removed, .attributes: continue
                }
            }
        }
    }
}
