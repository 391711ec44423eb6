/// Recognizes programs that read one blob after another in the order of their rows, and says what they read next.
///
/// A tree that was put has its blobs in the order of their names, and `/blobs` is listed in it: so do `tar`, `rsync`, `restic`
/// and every loop over sorted names read. Several programs at a time may, each by itself.
///
/// A program that listed what it reads is a quiet one: the kernel takes what is fetched, and the program finds it there.
struct ReadingOrder {
    /// Blobs ahead of a program that are fetched, where it is the only one.
    static let depth: Int64 = 8
    /// The same of a quiet program.
    static let quietDepth: Int64 = 64
    /// Programs that are told apart.
    private static let programs = 4
    /// Blobs read in order that prove it.
    private static let proof = 3
    /// A program that has no more than these ahead is to have some fetched: to wake a thread costs as much as a small blob.
    private static let refill: Int64 = 3
    /// The same of a quiet program, which asks less often.
    private static let quietRefill: Int64 = 32
    /// Nanoseconds after which a program that read nothing is thought to be done.
    private static let patience: UInt64 = 100_000_000

    private var programs = Array(repeating: ReadingProgram(), count: programs)

    /// Notes that a blob's first byte is read, at a time in nanoseconds.
    ///
    /// - Returns: whether blobs are to be fetched for the program.
    mutating func reads(_ row: Int64, at time: UInt64) -> Bool {
        guard let index = programs.firstIndex(where: { $0.mayRead(row) }) else {
            if let oldest = programs.indices.min(by: { programs[$0].time < programs[$1].time }) {
                programs[oldest] = ReadingProgram(row: row, time: time)
            }
            return false
        }
        programs[index].advance(to: row, at: time)
        let program = programs[index]
        return program.inOrder >= Self.proof && program.ahead <= (program.isQuiet ? Self.quietRefill : Self.refill)
    }

    /// The row to be fetched next, for the program that has the fewest ahead of it; nil where all have enough.
    ///
    /// - Parameter quietly: for quiet programs alone.
    mutating func takeNext(at time: UInt64, quietly: Bool = false) -> Int64? {
        let waiting = programs.indices.filter { isWaiting(programs[$0], at: time, quietly: quietly) }
        guard let index = waiting.min(by: { programs[$0].ahead < programs[$1].ahead }) else { return nil }
        defer { programs[index].next += 1 }
        return programs[index].next
    }

    /// Whether there is something to fetch for a quiet program.
    func hasQuietWork(at time: UInt64) -> Bool { programs.contains { isWaiting($0, at: time, quietly: true) } }

    private func isWaiting(_ program: ReadingProgram, at time: UInt64, quietly: Bool) -> Bool {
        (program.isQuiet || !quietly) && wants(program, at: time)?.contains(program.next) == true
    }

    /// Whether a program may still read a row that was fetched.
    func isWanted(_ row: Int64, at time: UInt64) -> Bool {
        programs.contains { wants($0, at: time)?.contains(row) == true }
    }

    /// The rows that a program reads now and next.
    private func wants(_ program: ReadingProgram, at time: UInt64) -> ClosedRange<Int64>? {
        guard isServed(program, at: time) else { return nil }
        let depth = program.isQuiet ? Self.quietDepth : Self.depth
        let share = depth / Int64(max(1, programs.count { isServed($0, at: time) }))
        return program.row...program.row + share
    }

    private func isServed(_ program: ReadingProgram, at time: UInt64) -> Bool {
        program.inOrder >= Self.proof && time &- program.time <= Self.patience
    }
}

// MARK: - What the kernel gets

extension ReadingOrder {
    /// Whether the kernel is to get a blob that was fetched.
    mutating func offers(_ row: Int64, at time: UInt64) -> Bool {
        let readers = programs.indices.filter { wants(programs[$0], at: time)?.contains(row) == true }
        return readers.map { programs[$0].offers(row) }.contains(true)
    }

    /// Notes whether the kernel took a blob.
    mutating func kernelTook(_ row: Int64, _ isTaken: Bool, at time: UInt64) {
        for index in programs.indices where wants(programs[index], at: time)?.contains(row) == true {
            programs[index].kernelTook(row, isTaken)
        }
    }
}
