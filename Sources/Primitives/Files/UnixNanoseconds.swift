public import Glibc

extension timespec {
    private static let second: Int64 = 1_000_000_000

    /// Unix nanoseconds, before 1970 too; the earliest (1677) or the latest (2262) that fits for a time beyond it, which
    /// any program may give its files.
    public var nanoseconds: Int64 {
        let (seconds, isLost) = Int64(tv_sec).multipliedReportingOverflow(by: Self.second)
        let (sum, isLostToo) = seconds.addingReportingOverflow(Int64(tv_nsec))
        guard !isLost, !isLostToo else { return tv_sec < 0 ? .min : .max }
        return sum
    }

    /// Of Unix nanoseconds, before 1970 too: those of a `timespec` count forwards.
    public init(nanoseconds: Int64) {
        let (seconds, rest) = Clock.split(nanoseconds)
        self = timespec(tv_sec: seconds, tv_nsec: rest)
    }
}
