internal import Primitives
internal import Synchronization

/// The files of the data root that were read last, open: who reads one keeps it though another file takes its name.
final class HostOpenFiles: Sendable {
    /// Descriptors held at most.
    private static let capacity = max(4, min(64, SystemCalls.raiseOpenFileLimit() / 16))

    private struct State {
        var byNumber: [Int64: OwnedDescriptor] = [:]
        var order: [Int64] = []
    }

    private let state = Mutex(State())

    func find(_ number: Int64) -> OwnedDescriptor? {
        state.withLock { $0.byNumber[number] }
    }

    func insert(_ file: OwnedDescriptor, for number: Int64) {
        // What falls out is released after the lock: closing is a system call.
        let dropped = state.withLock { state -> OwnedDescriptor? in
            guard state.byNumber.updateValue(file, forKey: number) == nil else { return nil }
            state.order.append(number)
            return state.order.count > Self.capacity
                ? state.byNumber.removeValue(forKey: state.order.removeFirst()) : nil
        }
        withExtendedLifetime(dropped) {}
    }

    func remove(_ number: Int64) {
        let dropped = state.withLock { state -> OwnedDescriptor? in
            state.order.removeAll { $0 == number }
            return state.byNumber.removeValue(forKey: number)
        }
        withExtendedLifetime(dropped) {}
    }
}
