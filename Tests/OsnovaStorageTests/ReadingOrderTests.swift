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

    // MARK: What the kernel gets

    private static let microsecond: UInt64 = 1_000

    /// Reads a row, takes all that is asked for, and has the kernel take or refuse what it is offered.
    private func serve(
        _ order: inout ReadingOrder, _ row: Int64, at time: UInt64, takes: (Int64) -> Bool = { _ in true }
    ) -> (offered: [Int64], left: [Int64]) {
        _ = order.reads(row, at: time)
        var offered: [Int64] = []
        var left: [Int64] = []
        while let next = order.takeNext(at: time) {
            if order.offers(next, at: time) {
                order.kernelTook(next, takes(next), at: time)
                offered.append(next)
            } else {
                left.append(next)
            }
        }
        return (offered, left)
    }

    @Test func `a fast program's blobs are for the kernel, but for one in eight that it is to ask for`() {
        var order = ReadingOrder()
        var time = Self.second
        var offered: Set<Int64> = []
        var asked: [Int64] = []
        // As a program does whose blobs the kernel has: it asks for the others alone.
        for row: Int64 in 1...1000 where !offered.contains(row) {
            time += 100 * Self.microsecond
            asked.append(row)
            offered.formUnion(serve(&order, row, at: time).offered)
        }
        #expect(asked.count < 150, "\(asked)")
        #expect(asked.suffix(100) == (26...125).map { Int64($0) * 8 })
        #expect(offered.allSatisfy { $0 % 8 != 0 })
    }

    @Test(arguments: [(20, 900, true), (20, 1100, false), (8, 900, false)])
    func `only who reads fast, and for long, has the kernel get any`(_ count: Int64, _ pace: UInt64, _ isGiven: Bool) {
        var order = ReadingOrder()
        let offered = (1...count).flatMap { row in
            serve(&order, row, at: Self.second + UInt64(row) * pace * Self.microsecond).offered
        }
        #expect(offered.isEmpty != isGiven)
    }

    @Test func `what the kernel does not know it is seldom offered, and is fetched as for any program`() {
        var order = ReadingOrder()
        var offered = 0
        for row: Int64 in 1...320 {
            let found = serve(&order, row, at: Self.second + UInt64(row) * 100 * Self.microsecond) { _ in false }
            offered += found.offered.count
            if row > 30 { #expect(found.offered + found.left == [row + 8]) }
        }
        #expect((1...11).contains(offered))
    }

    @Test func `no row is offered that the program may be reading`() {
        var order = ReadingOrder()
        for row: Int64 in 1...20 { _ = order.reads(row, at: Self.second + UInt64(row)) }
        let now = Self.second + 20
        // Not of its own block, nor the gate of the next.
        #expect((16...26).filter { order.offers($0, at: now) } == [25, 26])
        // It is at the gate: whatever lies behind, it may come to without asking.
        _ = order.reads(24, at: now + 100)
        #expect((27...32).filter { order.offers($0, at: now + 100) } == [])
    }

    @Test func `a block whose gate is not whole has a later one`() {
        var order = ReadingOrder()
        for row: Int64 in 1...20 { _ = order.reads(row, at: Self.second + UInt64(row)) }
        let now = Self.second + 20
        #expect([26, 27, 25, 28].filter { order.offers($0, at: now) } == [27, 28])
    }

    @Test func `a helper works for quiet programs alone`() {
        var order = ReadingOrder()
        for row: Int64 in 1...20 { _ = order.reads(row, at: Self.second + UInt64(row)) }
        let now = Self.second + 20
        #expect(order.takeNext(at: now, quietly: true) == nil && !order.hasQuietWork(at: now))
        order.kernelTook(22, true, at: now)
        #expect(order.hasQuietWork(at: now) && order.takeNext(at: now, quietly: true) == 22)
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
