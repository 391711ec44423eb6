internal import Dispatch
internal import Primitives
internal import Synchronization

/// Fetches the blobs that a program is about to read: one core verifies and decrypts the next while another hands out the last.
///
/// The kernel reads ahead within a file, never from one file to the next. This reads a few blobs ahead, of each the first
/// ``PrefetchSlot/capacity`` bytes, on a thread that the first program to read in order starts.
final class Prefetch: Sendable {
    /// The thread is woken when so many are left: to wake it costs as much as a small blob.
    private static let refill: Int64 = 4

    private struct State {
        var order = ReadingOrder()
        var thread: JoinableThread?
        var isResting = false
        var hasEnded = false
    }

    private let source: PrefetchSource
    private let slots = (0..<ReadingOrder.depth).map { _ in PrefetchSlot() }
    private let state = Mutex(State())
    private let hasWork = DispatchSemaphore(value: 0)

    init(source: PrefetchSource) { self.source = source }

    /// Ends the thread.
    func end() {
        let thread = state.withLock { state in
            defer { state.thread = nil }
            state.hasEnded = true
            return state.thread
        }
        hasWork.signal()
        thread?.join()
    }
}

// MARK: - Those who read

extension Prefetch {
    /// Notes that a blob is read from its beginning; whether the thread is to be woken then.
    func reads(_ row: Int64) -> Bool {
        state.withLock { state in
            guard let ahead = state.order.reads(row, at: Clock.monotonic), ahead < Self.refill, !state.hasEnded else {
                return false
            }
            defer { state.isResting = false }
            return state.isResting || state.thread == nil
        }
    }

    /// Starts the thread, or wakes it: after the answer, since that costs as much as a small blob.
    func wake() {
        state.withLock { state in
            guard state.thread == nil, !state.hasEnded else { return }
            state.thread = try? JoinableThread { [self] in work() }
            // A system that has no thread for it will not have one in a moment.
            state.hasEnded = state.thread == nil
        }
        hasWork.signal()
    }

    /// The slot that has these bytes of a blob, lent until `giveBack`; nil where they are to be read.
    func lend(_ row: Int64, at offset: Int64, count: Int) -> (slot: PrefetchSlot, bytes: UnsafeRawBufferPointer)? {
        let found = state.withLock { _ in
            let slot = slots.first { $0.state == .ready && $0.row == row && !$0.isForgotten }
            slot?.borrowers += 1
            return slot
        }
        guard let found else { return nil }
        // As for any read: a file that was changed since may not be what was verified.
        let isCurrent = found.blob?.isCurrent == true
        if isCurrent, let bytes = found.bytes(at: offset, count: count) { return (found, bytes) }
        // One that was sealed anew is open here alone, and would take its room on the disk for long.
        giveBack(found, forgetting: !isCurrent)
        return nil
    }

    /// Says that what was lent is answered; `forgetting`, that nobody is to have it any more.
    func giveBack(_ slot: PrefetchSlot, forgetting: Bool = false) {
        let dropped = state.withLock { _ in
            slot.borrowers -= 1
            slot.isForgotten = slot.isForgotten || forgetting
            return slot.borrowers == 0 && slot.isForgotten ? slot.clear() : nil
        }
        withExtendedLifetime(dropped) {}
    }

    /// Lets go of a blob that is gone from the store; of all without one.
    func forget(_ row: Int64? = nil) {
        let dropped = state.withLock { _ in
            slots.filter { $0.row == row ?? $0.row && $0.state != .empty }.map { slot in
                if slot.state == .ready, slot.borrowers == 0 { return slot.clear() }
                slot.isForgotten = true
                return nil
            }
        }
        withExtendedLifetime(dropped) {}
    }
}

// MARK: - The thread

extension Prefetch {
    private func work() {
        SystemCalls.nameProcess("osnova-prefetch")
        var reader: PrefetchReader?
        while true {
            let (slot, hasEnded) = state.withLock { state in (takeSlot(&state), state.hasEnded) }
            if hasEnded { return }
            guard let slot else {
                hasWork.wait()
                continue
            }
            // What cannot be had now, as for want of descriptors, may be had for the next one.
            if reader == nil { reader = try? PrefetchReader(source) }
            let isFilled = (try? reader?.fill(slot, row: slot.row)) != nil
            finish(slot, isFilled: isFilled)
        }
    }

    private func finish(_ slot: PrefetchSlot, isFilled: Bool) {
        let (dropped, isForgotten) = state.withLock { _ in
            slot.state = .ready
            let isForgotten = slot.isForgotten
            return (isFilled && !isForgotten ? nil : slot.clear(), isForgotten)
        }
        // Removed while it was being opened: from the open files it is gone already, or was put there since.
        if isForgotten { source.openBlobs.remove(slot.row) }
        withExtendedLifetime(dropped) {}
    }

    /// The slot for the next blob; nil where there is nothing to do.
    private func takeSlot(_ state: inout State) -> PrefetchSlot? {
        let now = Clock.monotonic
        let slot = slots.first { $0.borrowers == 0 && ($0.state == .empty || !state.order.isWanted($0.row, at: now)) }
        guard let slot, let row = takeRow(&state, at: now) else {
            state.isResting = true
            return nil
        }
        slot.state = .filling
        slot.row = row
        return slot
    }

    private func takeRow(_ state: inout State, at time: UInt64) -> Int64? {
        while let row = state.order.takeNext(at: time) {
            // Two programs may read the same.
            if !slots.contains(where: { $0.row == row && $0.state != .empty }) { return row }
        }
        return nil
    }
}
