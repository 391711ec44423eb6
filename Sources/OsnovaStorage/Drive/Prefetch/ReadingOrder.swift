/// Recognizes programs that read one blob after another in the order of their rows, and says what they read next.
///
/// A tree that was put has its blobs in the order of their names, and `/blobs` is listed in it: so do `tar`, `rsync`, `restic`
/// and every loop over sorted names read. Several programs at a time may, each by itself.
struct ReadingOrder {
    /// Blobs ahead of a program that are fetched, where it is the only one.
    static let depth: Int64 = 8
    /// Programs that are told apart.
    private static let programs = 4
    /// Blobs read in order that prove it.
    private static let proof = 3
    /// More of them count no further, so that whoever leaves the order is seen to soon.
    private static let most = 8
    /// Where a program has nothing ahead, the blob after the next is fetched first: the next is asked for before it can be had.
    private static let headStart: Int64 = 2
    /// Rows that a program may jump over: contents that the store had before, and directories between.
    private static let jump: Int64 = 4
    /// Nanoseconds after which a program that read nothing is thought to be done.
    private static let patience: UInt64 = 100_000_000

    private struct Program {
        var row: Int64 = .min
        var time: UInt64 = 0
        var inOrder = 0
        /// The row to be fetched next.
        var next: Int64 = 0
    }

    private var programs = Array(repeating: Program(), count: programs)

    /// Notes that a blob's first byte is read, at a time in nanoseconds.
    ///
    /// - Returns: how many blobs are fetched ahead of the program; nil where none is to be.
    mutating func reads(_ row: Int64, at time: UInt64) -> Int64? {
        guard let index = programs.firstIndex(where: { Self.follows(row, $0.row) }) else {
            if let oldest = programs.indices.min(by: { programs[$0].time < programs[$1].time }) {
                programs[oldest] = Program(row: row, time: time)
            }
            return nil
        }
        // Who takes every other blob is not worth the ones between.
        let isNext = row - programs[index].row == 1
        programs[index].inOrder =
            isNext ? min(Self.most, programs[index].inOrder + 1) : max(0, programs[index].inOrder - 2)
        (programs[index].row, programs[index].time) = (row, time)
        if programs[index].next <= row + 1 { programs[index].next = row + Self.headStart }
        return programs[index].inOrder >= Self.proof ? programs[index].next - row - 1 : nil
    }

    private static func follows(_ row: Int64, _ last: Int64) -> Bool {
        last >= 0 && row > last && row - last <= jump
    }

    /// The row to be fetched next, for the program that has the fewest ahead of it; nil where all have enough.
    mutating func takeNext(at time: UInt64) -> Int64? {
        let waiting = programs.indices.filter { wants(programs[$0], at: time)?.contains(programs[$0].next) == true }
        guard let index = waiting.min(by: { ahead(programs[$0]) < ahead(programs[$1]) }) else { return nil }
        defer { programs[index].next += 1 }
        return programs[index].next
    }

    private func ahead(_ program: Program) -> Int64 { program.next - program.row }

    /// Whether a program may still read a row that was fetched.
    func isWanted(_ row: Int64, at time: UInt64) -> Bool {
        programs.contains { wants($0, at: time)?.contains(row) == true }
    }

    /// The rows that a program reads now and next.
    private func wants(_ program: Program, at time: UInt64) -> ClosedRange<Int64>? {
        guard isServed(program, at: time) else { return nil }
        let share = Self.depth / Int64(max(1, programs.count { isServed($0, at: time) }))
        return program.row...program.row + share
    }

    private func isServed(_ program: Program, at time: UInt64) -> Bool {
        program.inOrder >= Self.proof && time &- program.time <= Self.patience
    }
}
