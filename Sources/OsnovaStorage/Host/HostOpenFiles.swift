internal import Primitives
internal import Synchronization

/// The files of the data root that were read last, open: who reads one keeps it though another file takes its name.
final class HostOpenFiles: Sendable {
    /// Descriptors held at most.
    private static let capacity = max(4, min(64, SystemCalls.raiseOpenFileLimit() / 16))

    /// A file whose last name is gone, and where it had the name by which it was opened.
    struct Removed {
        let number: Int64
        /// The number of its directory.
        let directory: Int64
        let name: [UInt8]
    }

    private struct Held {
        let file: OwnedDescriptor
        let directory: Int64
        let name: [UInt8]
        var isToldRemoved = false
    }

    private struct State {
        var byNumber: [Int64: Held] = [:]
        var order: [Int64] = []
    }

    private let state = Mutex(State())

    func find(_ number: Int64) -> OwnedDescriptor? {
        state.withLock { $0.byNumber[number]?.file }
    }

    func insert(_ file: OwnedDescriptor, for number: Int64, named name: [UInt8], in directory: Int64) {
        let held = Held(file: file, directory: directory, name: name)
        // What falls out is released after the lock: closing is a system call.
        let dropped = state.withLock { state -> Held? in
            guard state.byNumber.updateValue(held, forKey: number) == nil else { return nil }
            state.order.append(number)
            return state.order.count > Self.capacity
                ? state.byNumber.removeValue(forKey: state.order.removeFirst()) : nil
        }
        withExtendedLifetime(dropped) {}
    }

    /// The kernel let go of a file, so nobody has it open.
    func remove(_ number: Int64) {
        let dropped = state.withLock { state -> Held? in
            guard let held = state.byNumber.removeValue(forKey: number) else { return nil }
            state.order.removeAll { $0 == number }
            return held
        }
        withExtendedLifetime(dropped) {}
    }

    /// The files whose last name went since the last call.
    ///
    /// Their disk has their room back only when the kernel, which would not find out by itself, lets go of them.
    func newlyRemoved() -> [Removed] {
        let held = state.withLock { $0.byNumber }.filter { !$0.value.isToldRemoved }
        let removed = held.filter { (try? BeneathDirectory.look(at: $0.value.file).links) == 0 }
        state.withLock { state in for number in removed.keys { state.byNumber[number]?.isToldRemoved = true } }
        return removed.map { Removed(number: $0, directory: $1.directory, name: $1.name) }
    }
}
