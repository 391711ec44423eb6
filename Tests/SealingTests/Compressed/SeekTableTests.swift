import Foundation
import Primitives
import TestSupport
import Testing

@testable import Sealing

/// The table at the end of a stream: what we write, what others write, and what nobody should.
@Suite struct SeekTableTests {
    private let frame = SeekableCompressor.frameSize

    private func isDamaged(_ stream: Data) -> Bool { SealingTests.isDamaged { _ = try Streams.table(stream) } }

    @Test func `the zstd program restores what we make, table and all`() throws {
        for content in [
            prose(1, seed: 1), prose(frame, seed: 2), prose(3 * frame + 77, seed: 3), noise(300_000, seed: 4),
        ] {
            #expect(try Streams.run("zstd -q -d -c", Streams.ours(content)) == content)
        }
    }

    @Test func `libsodium and the zstd program together restore a sealed file`() throws {
        let content = prose(500_000, seed: 5)
        let sealed = try Streams.seal(Streams.ours(content), of: content, keys: Sealed.keys())
        #expect(sealed.file.count < content.count / 2)
        #expect(try Streams.run("zstd -q -d -c", Streams.unseal(sealed.file)) == content)
    }

    @Test func `every frame lies where the table says, however many there are`() throws {
        var generator = SeededGenerator(seed: 1)
        for count in [1, 2, 63, 64, 65, 1000] {
            let frames = (0..<count).map { _ in Data(count: Int.random(in: 1...90, using: &generator)) }
            let lengths = (0..<count).map { $0 + 1 == count ? 7 : 100 }
            let table = try #require(try Streams.table(Streams.of(frames, lengths: lengths)))
            #expect(table.contentLength == Int64((count - 1) * 100 + 7))
            var start: Int64 = 0
            for (number, frame) in frames.enumerated() {
                #expect(table.place(of: number) == start..<start + Int64(frame.count))
                #expect(table.content(of: number).lowerBound == Int64(number) * 100)
                start += Int64(frame.count)
            }
        }
    }

    @Test(arguments: [false, true]) func `a table with checksums is read as one without`(checksums: Bool) throws {
        let content = prose(2 * frame + 5, seed: 6)
        let frames = try Streams.frames(content, size: frame, options: "-19")
        let stream = Streams.of(frames, lengths: [frame, frame, 5], checksums: checksums)
        #expect(try Streams.table(stream)?.contentLength == Int64(content.count))
    }

    @Test func `what does not end as a stream does is none`() throws {
        for stream in [Data(), Data(count: 17), noise(100_000, seed: 7), prose(1000, seed: 8)] {
            #expect(try Streams.table(stream) == nil)
        }
        // What the zstd program makes by itself has no table.
        #expect(try Streams.table(Streams.run("zstd -q -c", prose(1000, seed: 8))) == nil)
    }

    @Test func `a forged table is damage`() throws {
        let frames = [Data(count: 50), Data(count: 60)]
        let sound = Streams.of(frames, lengths: [100, 100])
        #expect(try Streams.table(sound) != nil)
        let most = SeekTable.maximumFrameSize
        for lengths in [[0, 100], [100, 0], [100, 101], [99, 100], [most + 1, 5], [Int(UInt32.max), 5]] {
            #expect(isDamaged(Streams.of(frames, lengths: lengths)), "\(lengths)")
        }
        for flags in [4, 0x40, 0x7C, 0x84] as [UInt8] {
            #expect(isDamaged(Streams.of(frames, lengths: [100, 100], descriptor: flags)), "\(flags)")
        }
        #expect(isDamaged(Streams.of([Data(), Data(count: 110)], lengths: [100, 100])), "an empty frame")
        #expect(isDamaged(Data([0]) + sound), "a byte that no frame has")
        #expect(isDamaged(sound.dropFirst()), "a byte too few")
        let enormous = Streams.of([Data(count: ZstdCompressor.bound(most) + 1)], lengths: [100])
        #expect(isDamaged(enormous), "a frame longer than its content could need")
        for count in [0, 1, 3, 1 << 21, Int(UInt32.max)] {
            var forged = sound
            let place = forged.count - 9
            forged.replaceSubrange(
                place..<place + 4, with: withUnsafeBytes(of: UInt32(count).littleEndian) { Data($0) })
            #expect(isDamaged(forged), "\(count) frames")
        }
    }

    @Test func `a table that promises a terabyte is damage, and costs no more memory than it has bytes`() throws {
        let count = SeekTable.maximumFrameCount
        var stream = Data(count: count)
        let word = { (value: Int) in withUnsafeBytes(of: UInt32(value).littleEndian) { Data($0) } }
        let entry = word(1) + word(SeekTable.maximumFrameSize)
        var entries = Data(capacity: count * 8)
        for _ in 0..<count { entries += entry }
        stream += word(0x184D_2A5E) + word(entries.count + 9) + entries + word(count) + [0] + word(0x8F92_EAB1)
        #expect(isDamaged(stream))
    }

    @Test func `no flipped bit does anything but fail or describe the stream`() throws {
        let sound = Streams.of([Data(count: 50), Data(count: 60), Data(count: 9)], lengths: [100, 100, 3])
        for bit in 119 * 8..<sound.count * 8 {
            var bytes = sound
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let table = try? Streams.table(bytes) else { continue }
            #expect(table.place(of: 2).upperBound == 119 && table.content(of: 2).lowerBound <= 200)
        }
    }

    @Test func `tables of many blobs stay within their bound, and each is that of its blob`() throws {
        let cache = SeekTableCache()
        let keys = try Sealed.keys()
        // 100,000 frames are 400 KB of table: 40 of them are more than the bound.
        let stream = [UInt8](
            Streams.of(Array(repeating: Data([1]), count: 100_000), lengths: Array(repeating: 9, count: 100_000)))
        let sealed = try Sealed.seal(Data([1]), keys: keys)
        for number in 0..<40 as Range<UInt64> {
            let id = try Sealed.digest(noise(8, seed: number))
            let extent = BlobExtent(compressed: Int64(stream.count), of: 900_000)
            let blob = try #require(SealedBlob(id: id, nonce: sealed.blob.nonce, extent: extent))
            for _ in 0..<2 {
                let table = try stream.withUnsafeBytes { memory in
                    try cache.table(of: blob) { offset, count in
                        UnsafeRawBufferPointer(rebasing: memory[Int(offset)..<Int(offset) + count])
                    }
                }
                #expect(table.contentLength == 900_000)
            }
            #expect(cache.cost <= SeekTableCache.capacity)
        }
        #expect(cache.cost > SeekTableCache.capacity / 2)
    }
}
