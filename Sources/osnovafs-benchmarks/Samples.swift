internal import OsnovaStorage

/// The durations of one query, in nanoseconds.
struct Samples {
    let name: String
    private var times: [Int64] = []

    init(_ name: String) {
        self.name = name
    }

    /// Runs something once and notes how long it took.
    mutating func measure<Result>(_ body: () throws -> Result) rethrows -> Result {
        let start = Clock.nanoseconds
        defer { times.append(Clock.nanoseconds - start) }
        return try body()
    }

    /// Milliseconds that so many percent of the runs did not exceed.
    func percentile(_ percent: Int) -> Double {
        guard !times.isEmpty else { return 0 }
        let sorted = times.sorted()
        return Double(sorted[min(sorted.count - 1, sorted.count * percent / 100)]) / 1e6
    }

    var slowest: Double { Double(times.max() ?? 0) / 1e6 }
}

/// Numbers that are the same in every run (SplitMix64).
struct Sequence64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
