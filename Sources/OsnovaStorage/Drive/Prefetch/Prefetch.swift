internal import Dispatch
internal import Primitives
internal import Synchronization
internal import Tree

/// Fetches the blobs that a program is about to read: one core verifies and decrypts the next while another hands out the last.
///
/// The kernel reads ahead within a file, never from one file to the next. This reads a few blobs ahead, of each the first
/// ``PrefetchSlot/capacity`` bytes, on threads that the first program to read in order starts. What the kernel takes of it
/// needs no answer.
final class Prefetch: Sendable {
    /// Threads; all but the first work for quiet programs alone, which leave them a core, and would hold up others.
    private static let hands = 2

    private struct State {
        var order = ReadingOrder()
        var threads: [JoinableThread] = []
        var isResting = Array(repeating: false, count: hands)
        var hasEnded = false
        /// The kernel's, while it is served.
        var cache: (any PageCache)?
    }

    private let source: PrefetchSource
    private let slots = (0..<ReadingOrder.depth).map { _ in PrefetchSlot() }
    private let state = Mutex(State())
    /// What the kernel is taking.
    private let gifts = DispatchGroup()
    private let hasWork = (0..<hands).map { _ in DispatchSemaphore(value: 0) }

    init(source: PrefetchSource) { self.source = source }

    /// Has a kernel take what is fetched; where there is none, nobody any more once this returns.
    func attach(_ cache: (any PageCache)?) {
        state.withLock { $0.cache = cache }
        if cache == nil { gifts.wait() }
    }

    /// Ends the threads.
    func end() {
        let threads = state.withLock { state in
            defer { state.threads = [] }
            state.hasEnded = true
            return state.threads
        }
        for semaphore in hasWork { semaphore.signal() }
        for thread in threads { thread.join() }
    }
}

// MARK: - Those who read

extension Prefetch {
    /// Notes that a blob is read from its beginning; whether the first thread is to be woken then.
    func reads(_ row: Int64) -> Bool {
        state.withLock { state in
            guard state.order.reads(row, at: Clock.monotonic), !state.hasEnded else { return false }
            defer { state.isResting[0] = false }
            return state.isResting[0] || state.threads.isEmpty
        }
    }

    /// Notes that a read failed: what lies ahead may change just now, and is to be looked at when it is asked for.
    func readFailed() { state.withLock { $0.order = ReadingOrder() } }

    /// Whether a program is thought to read a blob soon.
    func isExpected(_ row: Int64) -> Bool { state.withLock { $0.order.isWanted(row, at: Clock.monotonic) } }

    /// Starts the threads, or wakes the first: after the answer, since that costs as much as a small blob.
    func wake() {
        state.withLock { state in
            guard state.threads.isEmpty, !state.hasEnded else { return }
            state.threads = (0..<Self.hands).compactMap { hand in try? JoinableThread { [self] in work(hand) } }
            // A system that has no thread for it will not have one in a moment.
            state.hasEnded = state.threads.isEmpty
        }
        hasWork[0].signal()
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

// MARK: - The threads

extension Prefetch {
    private func work(_ hand: Int) {
        SystemCalls.nameProcess("osnova-prefetch")
        var reader: PrefetchReader?
        while true {
            let (slot, hasEnded) = state.withLock { state in (takeSlot(&state, hand), state.hasEnded) }
            if hasEnded { return }
            guard let slot else {
                hasWork[hand].wait()
                continue
            }
            // What cannot be had now, as for want of descriptors, may be had for the next one.
            if reader == nil { reader = try? PrefetchReader(source) }
            let isFilled = (try? reader?.fill(slot, row: slot.row)) != nil
            guard finish(slot, isFilled: isFilled), let reader else { continue }
            noteGift(of: slot, isTaken: give(slot, reader))
        }
    }

    /// Lends a slot that was filled to whoever reads.
    ///
    /// - Returns: whether the kernel is to have it, and has it lent until then.
    private func finish(_ slot: PrefetchSlot, isFilled: Bool) -> Bool {
        let row = slot.row
        let (dropped, isForgotten, isGift) = state.withLock { state -> (OpenBlob?, Bool, Bool) in
            slot.state = .ready
            let isForgotten = slot.isForgotten
            guard isFilled, !isForgotten else { return (slot.clear(), isForgotten, false) }
            guard state.cache != nil, slot.wholeContent != nil, state.order.offers(row, at: Clock.monotonic) else {
                return (nil, false, false)
            }
            slot.borrowers += 1
            gifts.enter()
            return (nil, false, true)
        }
        // Removed while it was being opened: from the open files it is gone already, or was put there since.
        if isForgotten { source.openBlobs.remove(row) }
        withExtendedLifetime(dropped) {}
        return isGift
    }

    /// Gives a content to the kernel, if it is still there; once this returns, nothing here holds the mount.
    private func give(_ slot: PrefetchSlot, _ reader: PrefetchReader) -> Bool {
        state.withLock { $0.cache }.map { reader.give(slot, to: $0) } ?? false
    }

    /// What the kernel took, it is not to be given twice.
    private func noteGift(of slot: PrefetchSlot, isTaken: Bool) {
        gifts.leave()
        state.withLock { $0.order.kernelTook(slot.row, isTaken, at: Clock.monotonic) }
        giveBack(slot, forgetting: isTaken)
    }

    /// The slot for the next blob; nil where a thread has nothing to do.
    private func takeSlot(_ state: inout State, _ hand: Int) -> PrefetchSlot? {
        let now = Clock.monotonic
        let slot = slots.first { slot in
            switch slot.state {
            case .empty: true
            case .filling: false
            case .ready: slot.borrowers == 0 && !state.order.isWanted(slot.row, at: now)
            }
        }
        guard let slot, let row = takeRow(&state, at: now, quietly: hand > 0) else {
            state.isResting[hand] = true
            return nil
        }
        slot.state = .filling
        slot.row = row
        if state.order.hasQuietWork(at: now) { wakeNext(&state, after: hand) }
        return slot
    }

    /// Each thread wakes the next: who answers has the program waiting.
    private func wakeNext(_ state: inout State, after hand: Int) {
        let next = hand + 1
        guard next < Self.hands, state.isResting[next] else { return }
        state.isResting[next] = false
        hasWork[next].signal()
    }

    private func takeRow(_ state: inout State, at time: UInt64, quietly: Bool) -> Int64? {
        while let row = state.order.takeNext(at: time, quietly: quietly) {
            // Two programs may read the same.
            if !slots.contains(where: { $0.row == row && $0.state != .empty }) { return row }
        }
        return nil
    }
}
