import Foundation
import Primitives
import TestSupport
import Testing

@testable import Sealing

/// What a compressed blob is without the database: the same, or damage.
@Suite struct CompressedAuditTests {
    private let keys: SealingKeys

    init() throws { keys = try Sealed.keys() }

    private func audit(_ stream: Data, of content: Data) throws -> BlobAudit.Finding {
        let outcome = try Streams.seal(stream, of: content, keys: keys)
        return try Reading(outcome.file, keys: keys).audit(outcome.blob.id, keys: keys)
    }

    @Test(arguments: [1, 4096, 131_072, 131_073, 1 << 20, 5_000_000])
    func `a compressed file alone tells its encoding, its length and its tags`(size: Int) throws {
        let content = prose(size, seed: 1)
        let outcome = try Streams.seal(Streams.ours(content), of: content, keys: keys)
        let reading = try Reading(outcome.file, keys: keys)
        let finding = try reading.audit(outcome.blob.id, keys: keys)
        #expect(finding.blob == outcome.blob && finding.tags == outcome.tags)
        #expect(Data(finding.prefix) == content.prefix(512))
        #expect(try [keys].guessExtent(of: reading.file) == outcome.blob.extent)
        #expect(try [Sealed.keys(seed: 2), keys].guessExtent(of: reading.file) == outcome.blob.extent)
        #expect(try [].guessExtent(of: reading.file) == BlobExtent(plain: outcome.blob.sealedLength))
    }

    @Test func `one audit serves files of both kinds in turn`() throws {
        let audit = try BlobAudit(keys: keys)
        for seed in 0..<6 as Range<UInt64> {
            let content = prose(200_000 + Int(seed), seed: seed)
            let outcome =
                try seed % 2 == 0
                ? Sealed.seal(content, keys: keys, chunksAtOnce: 16)
                : Streams.seal(Streams.ours(content), of: content, keys: keys)
            let reading = try Reading(outcome.file, keys: keys)
            #expect(try audit.verify(file: reading.file, id: outcome.blob.id).blob == outcome.blob)
        }
    }

    /// A content may be a thousand times as long as its stream.
    @Test func `an audit can be ended while a stream is decompressed`() throws {
        struct Ended: Error {}
        let content = Data(count: 20 << 20)
        let outcome = try Streams.seal(Streams.ours(content), of: content, keys: keys)
        let reading = try Reading(outcome.file, keys: keys)
        var pieces = 0
        #expect(throws: Ended.self) {
            try BlobAudit(keys: keys).verify(file: reading.file, id: outcome.blob.id) { count in
                pieces += count == 0 ? 1 : 0
                if pieces == 3 { throw Ended() }
            }
        }
    }

    @Test func `a guess is what the size implies wherever the file does not end as a stream`() throws {
        for content in [Data(), Data(count: 10), prose(100_000, seed: 2)] {
            let outcome = try Sealed.seal(content, keys: keys, chunksAtOnce: 16)
            #expect(
                try [keys].guessExtent(of: Reading(outcome.file, keys: keys).file)
                    == BlobExtent(plain: Int64(content.count)))
        }
        let short = try Reading(Data(count: 27), keys: keys)
        #expect(try [keys].guessExtent(of: short.file) == nil)
        let text = prose(9000, seed: 3)
        let others = try Streams.seal(Streams.ours(text), of: text, keys: Sealed.keys(seed: 2))
        #expect(
            try [keys].guessExtent(of: Reading(others.file, keys: keys).file)
                == BlobExtent(plain: Int64(others.file.count) - 28))
    }

    @Test func `a bomb, a lie about lengths, a large window and a stream of something else are damage`() throws {
        let frame = SeekableCompressor.frameSize
        let zeros = Data(count: 64 << 20)
        let bomb = try Streams.run("zstd -q -c -19", zeros)
        #expect(bomb.count < 10_000)
        let content = prose(2 * frame, seed: 4)
        let frames = try Streams.frames(content, size: frame, options: "-3")
        let window = try Streams.run("zstd -q -c --ultra -22 --no-content-size", content.prefix(frame))
        let streams = [
            Streams.of([bomb], lengths: [frame]), Streams.of([bomb], lengths: [SeekTable.maximumFrameSize]),
            Streams.of([frames[0], bomb], lengths: [frame, frame]),
            Streams.of([frames[0], frames[1]], lengths: [frame + 1, frame]),
            Streams.of([frames[0], frames[1]], lengths: [frame, frame - 1]),
            Streams.of([frames[0] + frames[1]], lengths: [2 * frame]),
            Streams.of([frames[0], frames[1].dropLast()], lengths: [frame, frame]),
            Streams.of([window], lengths: [frame]), Streams.of([noise(5000, seed: 5)], lengths: [frame]),
            Streams.of([frames[1], frames[0]], lengths: [frame, frame]), Streams.of([frames[0]], lengths: [frame]),
            try Streams.run("zstd -q -c", content), bomb,
        ]
        for (number, stream) in streams.enumerated() {
            #expect(isDamaged { _ = try audit(stream, of: content) }, "stream \(number)")
            #expect(isDamaged { _ = try audit(stream, of: zeros.prefix(frame)) }, "stream \(number)")
        }
        #expect(try audit(Streams.of(frames, lengths: [frame, frame]), of: content).blob.length == Int64(2 * frame))
    }

    @Test func `a sealing that was moved to the name of what it holds is that content, under any other it is damage`()
        throws
    {
        let content = prose(300_000, seed: 6)
        let stream = try Streams.ours(content)
        let outcome = try Streams.seal(stream, of: content, keys: keys)
        let reading = try Reading(outcome.file, keys: keys)
        #expect(
            try reading.audit(Sealed.digest(stream), keys: keys).blob.extent == BlobExtent(plain: Int64(stream.count)))
        #expect(isDamaged { _ = try reading.audit(Sealed.digest(content.dropLast()), keys: keys) })
    }
}
