/// Tells by the number of requests whether a mount is busy.
///
/// Times are nanoseconds of a clock that nobody sets.
struct MountActivity {
    /// Requests a second from which on a mount is busy: less is a player, a monitor, somebody who looks around.
    static let threshold: UInt64 = 50
    /// A rate over less time is chance.
    static let interval: UInt64 = 200_000_000

    private var requests: UInt64
    private var looked: UInt64
    private(set) var isBusy = false

    init(requests: UInt64, now: UInt64) {
        self.requests = requests
        looked = now
    }

    /// Whether it is worth counting requests again.
    func isDue(now: UInt64) -> Bool { now &- looked >= Self.interval }

    /// Takes note of how many requests there have been so far.
    mutating func look(requests total: UInt64, now: UInt64) {
        let count = total &- requests
        let elapsed = now &- looked
        isBusy = count.multipliedFullWidth(by: 1_000_000_000) > elapsed.multipliedFullWidth(by: Self.threshold)
        requests = total
        looked = now
    }
}
