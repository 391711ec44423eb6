internal import Glibc
internal import Primitives
internal import Synchronization

/// A line on standard error that tells how far long work is; silent where standard error is no terminal.
final class Progress: Sendable {
    private struct State {
        var bytes: Int64 = 0
        var shown: UInt64 = 0
    }

    private static let interval: UInt64 = 100_000_000

    private let label: String
    private let isShown = isatty(STDERR_FILENO) == 1
    private let started = Clock.monotonic
    private let state = Mutex(State())

    init(_ label: String) {
        self.label = label
    }

    /// Adds bytes that were worked on; from any thread.
    func add(_ count: Int) {
        guard isShown else { return }
        let line = state.withLock { state -> String? in
            state.bytes &+= Int64(count)
            let now = Clock.monotonic
            guard now &- state.shown >= Self.interval else { return nil }
            state.shown = now
            let seconds = Double(max(1, now &- started)) / 1e9
            return "\r\(label): \(ByteCount.text(state.bytes)), "
                + "\(ByteCount.text(Int64(Double(state.bytes) / seconds)))/s   "
        }
        if let line { Terminal.write(Array(line.utf8), to: STDERR_FILENO) }
    }

    /// Takes the line away.
    func finish() {
        guard isShown, state.withLock({ $0.shown > 0 }) else { return }
        Terminal.write(Array("\r\u{1B}[K".utf8), to: STDERR_FILENO)
    }
}

/// Sizes for people.
enum ByteCount {
    static func text(_ bytes: Int64) -> String {
        var value = Double(bytes)
        for unit in ["B", "KiB", "MiB", "GiB"] {
            if value < 1024 { return unit == "B" ? "\(bytes) B" : "\((value * 10).rounded() / 10) \(unit)" }
            value /= 1024
        }
        return "\((value * 10).rounded() / 10) TiB"
    }
}
