import Foundation
import Primitives
import Sealing
import TestSupport
import Testing

/// Reads at any offset of a sound file.
@Suite struct ReaderTests {
    private static let size = 3 * 65_536 + 1000

    private let content = noise(ReaderTests.size, seed: 1)
    private let outcome: Sealed.Outcome
    private let reading: Reading

    init() throws {
        let keys = try Sealed.keys()
        outcome = try Sealed.seal(content, keys: keys)
        reading = try Reading(outcome.file, keys: keys)
    }

    private func read(_ offset: Int64, _ count: Int) throws -> Data {
        try reading.read(outcome.blob, tags: outcome.tags, at: offset, count: count)
    }

    @Test func `any range is that range of the content`() throws {
        var generator = SeededGenerator(seed: 2)
        for _ in 0..<500 {
            let start = Int.random(in: 0..<Self.size, using: &generator)
            let count = Int.random(in: 0...Self.size, using: &generator)
            #expect(try read(Int64(start), count) == content.dropFirst(start).prefix(count), "\(start) \(count)")
        }
    }

    @Test func `the seams of chunks and blocks are no seams`() throws {
        for seam in [64, 128, 65_536, 131_072, 196_608, Self.size] {
            for (before, after) in [(1, 1), (0, 1), (1, 0), (64, 64), (65_536, 3)] where seam - before >= 0 {
                let expected = content.dropFirst(seam - before).prefix(before + after)
                #expect(try read(Int64(seam - before), before + after) == expected)
            }
        }
    }

    @Test func `what lies outside reads nothing`() throws {
        for offset in [Int64(Self.size), Int64(Self.size) + 1, Int64.max, -1, Int64.min] {
            #expect(try read(offset, 100).isEmpty, "\(offset)")
        }
        #expect(try read(0, 0).isEmpty)
        #expect(try read(0, -1).isEmpty)
        #expect(try read(0, Int.max) == content)
        #expect(try read(Int64(Self.size) - 1, Int.max) == content.suffix(1))
    }

    @Test func `one read returns at most its maximum, from any offset`() throws {
        let keys = try Sealed.keys()
        let large = noise(3 << 20, seed: 5)
        let outcome = try Sealed.seal(large, keys: keys)
        let reading = try Reading(outcome.file, keys: keys)
        for offset in [0, 1, 65_535, 700_000, (2 << 20) + 1] {
            let part = try reading.read(outcome.blob, tags: outcome.tags, at: Int64(offset), count: 5 << 20)
            #expect(part == large.dropFirst(offset).prefix(BlobReader.maximumRead))
        }
    }

    @Test func `an empty blob reads nothing, and its audit still checks it`() throws {
        let keys = try Sealed.keys()
        var outcome = try Sealed.seal(Data(), keys: keys)
        #expect(outcome.file.count == 28 && outcome.tags.count == 16)
        #expect(try Reading(outcome.file, keys: keys).read(outcome.blob, tags: outcome.tags, at: 0, count: 1).isEmpty)
        outcome.file[27] ^= 1
        let damaged = try Reading(outcome.file, keys: keys)
        #expect(isDamaged { _ = try damaged.audit(outcome.blob.id, keys: keys) })
    }
}
