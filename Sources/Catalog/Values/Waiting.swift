/// Times to wait that callers chose, within what can be waited.
enum Waiting {
    /// Seconds; SQLite takes milliseconds of 32 bits.
    private static let longestPatience = 2_000_000.0
    /// A century; the clocks count no more than three.
    private static let longestPause = Duration.seconds(3_155_760_000)
    /// Less would keep a core busy.
    private static let shortestPause = Duration.milliseconds(1)

    /// Seconds to wait for a lock; none where they are no number.
    static func patience(_ seconds: Double) -> Double { seconds > 0 ? min(seconds, longestPatience) : 0 }

    /// Time between two looks.
    static func pause(_ duration: Duration) -> Duration { min(max(duration, shortestPause), longestPause) }
}
