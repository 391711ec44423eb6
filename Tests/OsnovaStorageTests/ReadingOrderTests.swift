import TestSupport
import Testing

@testable import OsnovaStorage

/// Who reads blobs in the order of their rows, and what is fetched for him.
@Suite struct ReadingOrderTests {
    private static let second: UInt64 = 1_000_000_000

    /// Reads rows one after another, a millisecond apart, and takes all that is asked for each time.
    private func fetched(_ order: inout ReadingOrder, reading rows: [Int64], from time: UInt64 = second) -> [[Int64]] {
        rows.enumerated().map { index, row in
            let now = time + UInt64(index) * 1_000_000
            _ = order.reads(row, at: now)
            var taken: [Int64] = []
            while let next = order.takeNext(at: now) { taken.append(next) }
            return taken
        }
    }

    @Test func `three in a row are followed by the blobs behind the next, then by one more each time`() {
        var order = ReadingOrder()
        let fetched = fetched(&order, reading: [10, 11, 12, 13, 14, 15])
        #expect(fetched == [[], [], [], Array(15...21), [22], [23]])
    }

    @Test(
        arguments: [[5, 3, 1, 9, 7, 2], [1, 3, 5, 7, 9, 11, 13], [4, 4, 4, 4, 4], [1, 2, 3, 900, 901, 902]] as [[Int64]]
    )
    func `no other order has anything fetched`(_ rows: [Int64]) {
        var order = ReadingOrder()
        #expect(fetched(&order, reading: rows).flatMap { $0 } == [])
    }

    @Test func `a few rows left out end nothing`() {
        var order = ReadingOrder()
        _ = fetched(&order, reading: Array(1...9))
        #expect(fetched(&order, reading: [12, 13, 14], from: 2 * Self.second).flatMap { $0 } == Array(18...22))
    }

    @Test func `two programs share what is fetched ahead`() {
        var order = ReadingOrder()
        let mixed: [Int64] = (0..<8).flatMap { [100 + $0, 500 + $0] }
        let fetched = fetched(&order, reading: mixed).flatMap { $0 }
        #expect(fetched.contains(104 + 4) && fetched.contains(504 + 4))
        // Of the latest of each, half as many ahead as one alone would have.
        #expect(fetched.filter { $0 < 500 }.max() == 111 && fetched.max() == 511)
    }

    @Test func `who is ahead of what was fetched gets the blob after the next`() {
        var order = ReadingOrder()
        for row: Int64 in 1...20 { _ = order.reads(row, at: Self.second) }
        #expect(order.takeNext(at: Self.second) == 22)
    }

    @Test func `nothing is wanted of a program that is done, nor what it has read`() {
        var order = ReadingOrder()
        _ = fetched(&order, reading: [1, 2, 3, 4])
        let last = Self.second + 3_000_000
        #expect(order.isWanted(4, at: last) && order.isWanted(12, at: last))
        #expect(!order.isWanted(3, at: last) && !order.isWanted(13, at: last))
        #expect(!order.isWanted(4, at: last + Self.second) && order.takeNext(at: last + Self.second) == nil)
    }

    @Test(arguments: 1...20) func `whatever is read, what is fetched lies shortly ahead of it`(
        _ seed: UInt64
    ) {
        var order = ReadingOrder()
        var latest: [Int64] = []
        var row: Int64 = 0
        for (index, byte) in noise(2000, seed: seed).enumerated() {
            row = byte < 220 ? row + 1 : byte < 240 ? row + Int64(byte % 6) : Int64(byte) * 50
            let now = Self.second + UInt64(index) * 1_000_000
            _ = order.reads(row, at: now)
            latest.append(row)
            while let next = order.takeNext(at: now) {
                #expect(latest.suffix(200).contains { next > $0 && next <= $0 + ReadingOrder.depth })
            }
        }
    }
}
