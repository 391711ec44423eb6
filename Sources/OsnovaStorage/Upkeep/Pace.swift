/// Spreads reads over time: so many bytes a second, and no more after a pause than before it.
///
/// Times are nanoseconds of a clock that nobody sets.
struct Pace {
    private let bytesPerSecond: UInt64
    /// When what was read so far is paid for.
    private var paidAt: UInt64 = 0

    /// A debt below this waits for more: each wait costs a wake-up.
    private static let shortestPause: UInt64 = 5_000_000

    init(bytesPerSecond: Int64) {
        self.bytesPerSecond = UInt64(clamping: max(1, bytesPerSecond))
    }

    /// How long to wait after a read.
    mutating func pause(afterReading bytes: Int, now: UInt64) -> UInt64 {
        let cost = UInt64(clamping: max(0, bytes)).multipliedFullWidth(by: 1_000_000_000)
        // A read is at most a megabyte, so the quotient fits unless the pace is absurdly low.
        let (high, low) = (cost.high % bytesPerSecond, cost.low)
        let nanoseconds = bytesPerSecond.dividingFullWidth((high, low)).quotient
        paidAt = max(paidAt, now) &+ min(nanoseconds, Self.longestPause)
        let debt = paidAt &- now
        return debt < Self.shortestPause ? 0 : debt
    }

    /// A minute.
    private static let longestPause: UInt64 = 60_000_000_000
}
