import Foundation
import Primitives
import TestSupport
import Testing

@testable import Sealing

/// Reads at any offset of compressed blobs, sound and not.
@Suite struct CompressedReaderTests {
    private static let frame = SeekableCompressor.frameSize
    private static let size = 5 * frame + 1234

    private let keys: SealingKeys

    init() throws { keys = try Sealed.keys() }

    private func sealed(_ content: Data) throws -> Sealed.Outcome {
        try Streams.seal(Streams.ours(content), of: content, keys: keys)
    }

    private func checkReads(of content: Data, _ outcome: Sealed.Outcome, seed: UInt64) throws {
        let reading = try Reading(outcome.file, keys: keys)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let start = Int.random(in: 0..<content.count, using: &generator)
            let longest = Bool.random(using: &generator) ? 5000 : content.count
            let count = Int.random(in: 0...longest, using: &generator)
            let part = try reading.read(outcome.blob, tags: outcome.tags, at: Int64(start), count: count)
            #expect(part == content.dropFirst(start).prefix(min(count, BlobReader.maximumRead)), "\(start) \(count)")
        }
    }

    @Test func `any range is that range of the content`() throws {
        let mixed = prose(400_000, seed: 1) + noise(300_000, seed: 2) + Data(count: 3 << 20) + prose(99, seed: 3)
        for content in [prose(Self.size, seed: 4), noise(Self.size, seed: 5), mixed, Data([7])] {
            try checkReads(of: content, sealed(content), seed: UInt64(content.count))
        }
    }

    @Test func `the seams of frames are no seams`() throws {
        let content = prose(Self.size, seed: 6)
        let outcome = try sealed(content)
        let reading = try Reading(outcome.file, keys: keys)
        for seam in 1...5 {
            for (before, after) in [(1, 1), (0, 1), (1, 0), (4096, 4096), (Self.frame, Self.frame), (Self.frame, 1)] {
                let start = seam * Self.frame - before
                let part = try reading.read(outcome.blob, tags: outcome.tags, at: Int64(start), count: before + after)
                #expect(part == content.dropFirst(start).prefix(before + after))
            }
        }
    }

    @Test func `what lies outside reads nothing`() throws {
        let content = prose(Self.size, seed: 6)
        let outcome = try sealed(content)
        let reading = try Reading(outcome.file, keys: keys)
        for offset in [Int64(Self.size), Int64(Self.size) + 1, Int64.max, -1, Int64.min] {
            #expect(try reading.read(outcome.blob, tags: outcome.tags, at: offset, count: 100).isEmpty, "\(offset)")
        }
        for count in [0, -1] {
            #expect(try reading.read(outcome.blob, tags: outcome.tags, at: 0, count: count).isEmpty)
        }
        #expect(try reading.read(outcome.blob, tags: outcome.tags, at: 0, count: Int.max) == content)
        #expect(try reading.read(outcome.blob, tags: outcome.tags, at: 3, count: Int.max) == content.dropFirst(3))
    }

    @Test(arguments: ["-1", "-19", "-19 --no-content-size", "--no-check -9", "--fast=5", "-6 --zstd=wlog=23"])
    func `frames that the zstd program made are read and verified`(options: String) throws {
        let content = prose(3 * 100_000 + 17, seed: 7)
        let frames = try Streams.frames(content, size: 100_000, options: options)
        let stream = Streams.of(frames, lengths: [100_000, 100_000, 100_000, 17], checksums: true)
        let outcome = try Streams.seal(stream, of: content, keys: keys)
        try checkReads(of: content, outcome, seed: 8)
        let finding = try Reading(outcome.file, keys: keys).audit(outcome.blob.id, keys: keys)
        #expect(finding.blob == outcome.blob && finding.tags == outcome.tags)
    }

    @Test func `a read costs the frames around it and the table, not the blob`() throws {
        let content = noise(64 * Self.frame, seed: 9)
        let outcome = try sealed(content)
        let reading = try Reading(outcome.file, keys: keys)
        var chunks = 0
        func read(_ offset: Int) throws {
            _ = try reading.reader.read(outcome.blob, file: reading.file, at: Int64(offset), count: 4096) {
                range, memory in
                chunks += range.count
                memory.copyBytes(from: outcome.tags[range.lowerBound * 16..<range.lowerBound * 16 + memory.count])
            }
        }
        try read(40 * Self.frame)
        #expect(chunks <= 7, "the table's footer, header and entries, then a frame of 128 KiB")
        chunks = 0
        try read(40 * Self.frame + 8192)
        #expect(chunks == 0, "the same frame")
        try read(20 * Self.frame)
        #expect(chunks <= 3)
    }

    /// One bit of every thousandth byte or so, and of each of the first and last ones.
    @Test func `a flipped bit costs exactly the frames that its chunk holds`() throws {
        let content = prose(Self.size, seed: 10)
        let stream = try Streams.ours(content)
        let outcome = try Streams.seal(stream, of: content, keys: keys)
        let table = try #require(try Streams.table(stream))
        let tableChunk = stream.count - 17 - 6 * 8
        let places =
            Array(12..<40) + Array(stride(from: 40, to: outcome.file.count - 100, by: 997))
            + Array(outcome.file.count - 100..<outcome.file.count)
        for place in places {
            var file = outcome.file
            file[place] ^= 1 << UInt8(place % 8)
            let chunk = min((place - 12) / 65_536, (stream.count - 1) / 65_536)
            let bad = Int64(chunk) * 65_536..<Int64(chunk + 1) * 65_536
            let hitsTable = bad.upperBound > Int64(tableChunk)
            let reading = try Reading(file, keys: keys)
            for number in 0..<6 {
                let isBad = hitsTable || table.place(of: number).overlaps(bad)
                let start = number * Self.frame
                let isRefused = isDamaged {
                    let part = try reading.read(outcome.blob, tags: outcome.tags, at: Int64(start), count: Self.frame)
                    #expect(part == content.dropFirst(start).prefix(Self.frame))
                }
                #expect(isRefused == isBad, "byte \(place), frame \(number)")
            }
            #expect(isDamaged { _ = try reading.audit(outcome.blob.id, keys: keys) }, "byte \(place)")
        }
    }

    @Test func `a stream never passes for the content, nor another length or encoding for the true one`() throws {
        let content = prose(Self.size, seed: 11)
        let outcome = try sealed(content)
        let reading = try Reading(outcome.file, keys: keys)
        let stream = outcome.blob.sealedLength
        let forged = [
            BlobExtent(plain: stream), BlobExtent(compressed: stream, of: stream),
            BlobExtent(compressed: stream, of: Int64(Self.size) - 1), BlobExtent(compressed: stream, of: 1),
            BlobExtent(compressed: stream, of: Int64(Self.size) + 1),
        ]
        for extent in forged {
            let blob = try #require(SealedBlob(id: outcome.blob.id, nonce: outcome.blob.nonce, extent: extent))
            for offset in [0, 100_000] as [Int64] {
                #expect(
                    isDamaged { _ = try reading.read(blob, tags: outcome.tags, at: offset, count: 100) }, "\(extent)")
            }
        }
        // And a content that is itself a stream, sealed as it is, is read as it is.
        let itself = try Sealed.seal(Streams.ours(content), keys: keys)
        let plain = try Reading(itself.file, keys: keys)
        #expect(try plain.audit(itself.blob.id, keys: keys).blob == itself.blob)
        #expect(try plain.read(itself.blob, tags: itself.tags, at: 0, count: 1 << 20) == Streams.ours(content))
    }
}
