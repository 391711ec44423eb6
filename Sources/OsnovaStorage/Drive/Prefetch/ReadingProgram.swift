/// How far one program has come that may be reading blobs in the order of their rows.
struct ReadingProgram {
    /// Blobs read in order, of which more count no further: whoever leaves the order is seen to soon.
    private static let most = 8
    /// Where a program has nothing ahead, the blob after the next is fetched first: the next is asked for before it can be had.
    private static let headStart: Int64 = 2
    /// Rows that a program may jump over: contents that the store had before, and directories between.
    private static let jump: Int64 = 4
    /// Rows after one that the kernel did not take which it is not offered.
    private static let rest: Int64 = 32
    /// Rows of a block, of which the program is to ask for one: each time costs it as much as several blobs.
    static let block: Int64 = 8
    /// Nanoseconds a blob within which a program reads whose blobs the kernel gets.
    ///
    /// A slower one would gain little; and damage to a file that the kernel has the content of is not seen.
    private static let hurry: UInt64 = 1_000_000

    /// The row that it asked for last, when, in nanoseconds, and how long each row before took it.
    private(set) var row: Int64 = .min
    private(set) var time: UInt64 = 0
    private(set) var pace: UInt64 = .max
    private(set) var inOrder = 0
    /// The row to be fetched next.
    var next: Int64 = 0
    /// Whether the kernel took what was fetched last.
    private(set) var isQuiet = false
    /// The last row that the kernel took, up to which the program may come without asking.
    private(set) var taken: Int64 = .min
    /// The row from which on the kernel is offered any.
    private var firstOffered: Int64 = 0
    /// The row of the latest block that is left for the program to ask for.
    private var gate: Int64 = .min

    /// Blobs that were fetched and that it did not ask for yet.
    var ahead: Int64 { next - row - 1 }

    /// Whether a row may be the next one that it asks for.
    func mayRead(_ row: Int64) -> Bool {
        self.row >= 0 && row > self.row && (row - self.row <= Self.jump || row <= taken + Self.jump)
    }

    /// Notes that it asks for a row that it may read.
    mutating func advance(to row: Int64, at time: UInt64) {
        // Who takes every other blob is not worth the ones between.
        let isNext = row - self.row == 1 || row <= taken + 1
        inOrder = isNext ? min(Self.most, inOrder + 1) : max(0, inOrder - 2)
        pace = (time &- self.time) / UInt64(row - self.row)
        (self.row, self.time) = (row, time)
        if next <= row + 1 { next = row + Self.headStart }
    }

    /// Whether the kernel is to get a row that was fetched.
    ///
    /// It waits then for every read of the same blob to be answered, without end if the driver dies meanwhile. So it gets
    /// rows alone that the program cannot be reading: the first of each block is a gate, which the program must ask for on
    /// its way, and once it did, the kernel gets nothing more of that block.
    mutating func offers(_ row: Int64) -> Bool {
        let block = row / Self.block
        guard inOrder == Self.most, pace <= Self.hurry, row >= firstOffered, block > self.row / Self.block else {
            return false
        }
        if block > gate / Self.block {
            gate = row
            return false
        }
        return block == gate / Self.block && row > gate
    }

    /// Notes whether the kernel took a row that lies ahead; who did not list one, as it must for that, listed none nearby.
    mutating func kernelTook(_ row: Int64, _ isTaken: Bool) {
        isQuiet = isTaken
        if isTaken { taken = max(taken, row) } else { firstOffered = row + Self.rest }
    }
}

extension ReadingProgram {
    /// One that was seen for the first time.
    init(row: Int64, time: UInt64) {
        self.row = row
        self.time = time
    }
}
