internal import Glibc

/// Waiting for what another process holds and will not tell the end of.
public enum Patience {
    /// Microseconds between two tries.
    private static let pause: UInt32 = 10_000

    /// Tries until it works, once at least.
    ///
    /// - Parameter seconds: how long.
    /// - Returns: whether it worked.
    public static func tries(forAtMost seconds: Double, _ attempt: () throws -> Bool) rethrows -> Bool {
        let begin = Clock.monotonic
        while try !attempt() {
            guard Double(Clock.monotonic &- begin) < seconds * 1e9 else { return false }
            usleep(pause)
        }
        return true
    }
}
