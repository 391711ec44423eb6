internal import Glibc

/// Times in a manifest: Unix nanoseconds, before 1970 too; what does not fit is the earliest or latest that does.
enum ManifestTime {
    private static let second: Int64 = 1_000_000_000

    static func nanoseconds(_ time: timespec) -> Int64 {
        let (seconds, isLost) = Int64(time.tv_sec).multipliedReportingOverflow(by: second)
        let (sum, isLostToo) = seconds.addingReportingOverflow(Int64(time.tv_nsec))
        guard !isLost, !isLostToo else { return time.tv_sec < 0 ? .min : .max }
        return sum
    }

    /// The nanoseconds of a `timespec` count forwards, before 1970 too.
    static func time(_ nanoseconds: Int64) -> timespec {
        let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: second)
        return rest < 0
            ? timespec(tv_sec: Int(seconds) - 1, tv_nsec: Int(rest + second))
            : timespec(tv_sec: Int(seconds), tv_nsec: Int(rest))
    }
}
