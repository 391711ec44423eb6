import Foundation
import TestSupport
import Testing

@testable import Primitives

/// Frames that are sound, and those that claim something else.
@Suite struct ZstdTests {
    private func frame(_ content: Data) throws -> Data {
        var output = [UInt8](repeating: 0, count: ZstdCompressor.bound(content.count))
        let count = try content.withUnsafeBytes { input in
            try output.withUnsafeMutableBytes { try ZstdCompressor().compress(input, into: $0) }
        }
        return Data(output.prefix(count))
    }

    private func open(_ frame: Data, count: Int) throws -> Data {
        var output = [UInt8](repeating: 0xAA, count: count)
        try Data(frame).withUnsafeBytes { input in
            try output.withUnsafeMutableBytes { try ZstdDecompressor().decompress(input, filling: $0) }
        }
        return Data(output)
    }

    private func isDamaged(_ frame: Data, count: Int) -> Bool {
        do {
            _ = try open(frame, count: count)
            return false
        } catch {
            return (error as? OsnovaError)?.kind == .damaged
        }
    }

    @Test(arguments: [1, 100, 4096, 131_072, 500_000]) func `what is compressed comes back`(count: Int) throws {
        for content in [prose(count, seed: 1), noise(count, seed: 2), Data(count: count)] {
            #expect(try open(frame(content), count: count) == content)
        }
    }

    @Test func `a frame that holds more or less than is expected is damage`() throws {
        let sound = try frame(prose(10_000, seed: 1))
        for count in [0, 1, 9_999, 10_001, 1 << 20] { #expect(isDamaged(sound, count: count), "\(count)") }
    }

    @Test func `a frame that is cut, or followed by anything, is damage`() throws {
        let sound = try frame(prose(10_000, seed: 1))
        for count in 0..<sound.count { #expect(isDamaged(sound.prefix(count), count: 10_000), "\(count)") }
        #expect(isDamaged(sound + [0], count: 10_000))
        #expect(isDamaged(sound + sound, count: 20_000))
        let skippable = Data([0x50, 0x2A, 0x4D, 0x18, 1, 0, 0, 0, 7])
        #expect(isDamaged(skippable + sound, count: 10_000) && isDamaged(sound + skippable, count: 10_000))
    }

    @Test func `a window over 8 MiB is damage, whatever it holds`() throws {
        // A frame of one raw block of one byte, with a window descriptor instead of a length.
        func frame(window: UInt8) -> Data { Data([0x28, 0xB5, 0x2F, 0xFD, 0, window, 9, 0, 0, 0x41]) }
        #expect(try open(frame(window: 13 << 3), count: 1) == Data([0x41]))
        #expect(isDamaged(frame(window: 13 << 3 | 1), count: 1))
        #expect(isDamaged(frame(window: 31 << 3 | 7), count: 1))
        // A single segment whose length, 2^40, is its window.
        let huge = Data([0x28, 0xB5, 0x2F, 0xFD, 0xE0, 0, 0, 0, 0, 0, 1, 0, 0, 9, 0, 0, 0x41])
        #expect(isDamaged(huge, count: 1))
    }

    @Test func `no flipped bit and no random bytes do anything but fail or decompress`() throws {
        let sound = try frame(prose(3_000, seed: 3))
        for bit in 0..<sound.count * 8 {
            var bytes = sound
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            if let content = try? open(bytes, count: 3_000) { #expect(content.count == 3_000) }
        }
        for seed in 0..<2_000 as Range<UInt64> {
            let bytes = Data([0x28, 0xB5, 0x2F, 0xFD]) + noise(Int(seed % 60), seed: seed)
            if let content = try? open(bytes, count: 100) { #expect(content.count == 100) }
        }
    }
}
