internal import Glibc

/// The clocks.
public enum Clock {
    /// Unix time in nanoseconds.
    public static var nanoseconds: Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return now.nanoseconds
    }

    /// The whole seconds of Unix nanoseconds and the nanoseconds after them, before 1970 too.
    public static func split(_ time: Int64) -> (seconds: Int, nanoseconds: Int) {
        let (seconds, rest) = time.quotientAndRemainder(dividingBy: 1_000_000_000)
        return rest < 0 ? (Int(seconds) - 1, Int(rest) + 1_000_000_000) : (Int(seconds), Int(rest))
    }

    /// Nanoseconds of a clock that nobody sets; only differences mean something.
    public static var monotonic: UInt64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(bitPattern: now.nanoseconds)
    }

    /// Unix time in seconds.
    public static var seconds: Int64 { nanoseconds / 1_000_000_000 }

    /// Seconds of a clock that nobody sets.
    public static var monotonicSeconds: Int64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return now.nanoseconds / 1_000_000_000
    }
}
