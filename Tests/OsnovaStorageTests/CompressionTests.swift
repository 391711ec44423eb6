import Blobs
import Catalog
import Dispatch
import Foundation
import Primitives
import Sealing
import TestSupport
import Testing
import Tree

@testable import OsnovaStorage

/// Which contents are compressed, and that nothing else changes for anybody.
@Suite struct CompressionTests {
    @discardableResult
    private func put(_ contents: [Data], compressing: Bool? = true, in yard: Yard) throws -> [PutResult] {
        try yard.put(contents, compressing: compressing)
    }

    private func extent(_ id: ContentID, in yard: Yard) throws -> BlobExtent? {
        try yard.store.catalog.read { try $0.blob(id) }?.extent
    }

    private func isSound(_ yard: Yard) throws -> Bool {
        let report = try Verification(store: yard.store).run()
        return report.isSound && report.untracked.isEmpty
    }

    /// What shrinks by a twentieth is compressed; what only begins so, or is small, is not.
    private static let megabyte = 1 << 20
    private static let shrinking = [
        prose(4096, seed: 1), prose(100_000, seed: 2), prose(megabyte, seed: 3), prose(5 * megabyte + 1, seed: 4),
        prose(700_000, seed: 5) + noise(300_000, seed: 6), Data(count: 3 * megabyte),
    ]
    private static let others = [
        Data(), prose(4095, seed: 1), noise(100_000, seed: 7), noise(megabyte, seed: 8), noise(3 * megabyte, seed: 9),
        noise(700_000, seed: 10) + Data(count: 20_000),
    ]

    @Test func `what shrinks is compressed, what does not is sealed as it is, and both read back`() throws {
        let yard = try Yard()
        let results = try put(Self.shrinking + Self.others, in: yard)
        for (result, content) in zip(results, Self.shrinking + Self.others) {
            let isCompressed = Self.shrinking.contains(content)
            let extent = try #require(try extent(result.id, in: yard))
            #expect(try result.id == digest(content) && result.size == content.count && !result.alreadyStored)
            #expect(extent.encoding == (isCompressed ? .zstd : .plain), "\(content.count)")
            #expect(
                try result.storedSize == Int64(yard.sealed(result.id).count) && result.storedSize == extent.fileSize)
            #expect(!isCompressed || result.storedSize - 28 <= result.size - result.size / 20)
            #expect(try yard.content(result.id) == content)
        }
        #expect(try isSound(yard))
    }

    @Test func `a store compresses where it was told to, and a put goes before it`() throws {
        let yard = try Yard()
        let contents = (1...4).map { prose(50_000, seed: $0) }
        #expect(try put([contents[0]], compressing: nil, in: yard)[0].storedSize == 50_028)
        try yard.store.catalog.write { try $0.setCompression(true) }
        #expect(try put([contents[1]], compressing: nil, in: yard)[0].storedSize < 40_000)
        #expect(try put([contents[2]], compressing: false, in: yard)[0].storedSize == 50_028)
        try yard.store.catalog.write { try $0.setCompression(false) }
        #expect(try put([contents[3]], compressing: nil, in: yard)[0].storedSize == 50_028)
    }

    /// Its samples come from parts that shrink, and the rest does not.
    @Test(arguments: [false, true]) func `what promised more than it held is sealed as it is`(isStream: Bool) throws {
        let yard = try Yard()
        var content = noise(8 * Self.megabyte, seed: 11)
        for part in 0..<8 { content.replaceSubrange(part << 20..<part << 20 + 32_768, with: Data(count: 32_768)) }
        if isStream {
            content = prose(Self.megabyte, seed: 12) + noise(30 * Self.megabyte, seed: 13)
        }
        let results = Results()
        let batch = try PutBatch(store: yard.store, compressing: true)
        if isStream {
            let file = try SystemCalls.open(yard.folder.write("stream", content), 0)
            try batch.add(.stream(file.number, name: "-"), recording: results.add)
        } else {
            try batch.add(.file(yard.file("f", content)), recording: results.add)
        }
        #expect(try batch.commit().isEmpty)
        let result = try #require(results.all.first)
        #expect(try result.id == digest(content) && result.storedSize == Int64(content.count) + 28)
        #expect(try extent(result.id, in: yard) == BlobExtent(plain: Int64(content.count)))
        #expect(try yard.content(result.id) == content)
        #expect(try yard.sealedNames() == ["\(result.id).enc"] && isSound(yard))
    }

    @Test func `a stream that shrinks is compressed`() throws {
        let yard = try Yard()
        let content = prose(3 * Self.megabyte + 5, seed: 14)
        let file = try SystemCalls.open(yard.folder.write("stream", content), 0)
        let results = Results()
        let batch = try PutBatch(store: yard.store, compressing: true)
        try batch.add(.stream(file.number, name: "-"), recording: results.add)
        #expect(try batch.commit().isEmpty)
        #expect(try #require(results.all.first).storedSize < Int64(content.count) * 3 / 4)
        #expect(try yard.content(digest(content)) == content)
    }

    @Test(arguments: [false, true]) func `content that is stored is not written again in the other way`(first: Bool)
        throws
    {
        let yard = try Yard()
        let contents = [prose(100_000, seed: 15), prose(3 * Self.megabyte, seed: 16)]
        let before = try put(contents, compressing: first, in: yard)
        let files = try before.map { try yard.sealed($0.id) }
        let after = try put(contents + contents, compressing: !first, in: yard)
        #expect(after.allSatisfy(\.alreadyStored) && after.map(\.storedSize) == (before + before).map(\.storedSize))
        #expect(try before.map { try yard.sealed($0.id) } == files)
        // Nor twice in one batch.
        let twice = try put([prose(90_000, seed: 17), prose(90_000, seed: 17)], in: yard)
        #expect(twice.map(\.alreadyStored) == [false, true] && twice[0].storedSize == twice[1].storedSize)
        #expect(try isSound(yard))
    }

    @Test func `readers on many threads get any range of blobs of both kinds`() throws {
        let yard = try Yard()
        let contents = [
            prose(3 * Self.megabyte, seed: 18), noise(2 * Self.megabyte, seed: 19), prose(150_000, seed: 20),
            prose(Self.megabyte, seed: 21) + Data(count: 5 * Self.megabyte),
        ]
        let results = try put(contents, in: yard)
        let tree = try yard.tree()
        let inodes = try results.map { result in
            try #require(try tree.makeWorker().find("blobs/\(result.id)").flatMap { Inode(number: $0.inode) })
        }
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            var generator = SeededGenerator(seed: UInt64(thread))
            guard let worker = try? tree.makeWorker() else { return #expect(Bool(false)) }
            for _ in 0..<300 {
                let which = Int.random(in: 0..<contents.count, using: &generator)
                let start = Int.random(in: 0..<contents[which].count, using: &generator)
                let count = Int.random(in: 1...(Bool.random(using: &generator) ? 4096 : 1 << 20), using: &generator)
                let part = try? Data(worker.read(inodes[which], at: Int64(start), count: count))
                #expect(part == contents[which].dropFirst(start).prefix(count), "blob \(which), \(start)")
            }
        }
    }

    // MARK: Without the database

    @Test func `rows that are gone come back from the files: encoding, length, tags`() throws {
        let yard = try Yard()
        let contents = Self.shrinking + Self.others
        let ids = try put(contents, in: yard).map(\.id)
        let before = try ids.map { try extent($0, in: yard) }
        try yard.foreign("DELETE FROM blobs; DELETE FROM blob_tags")
        let tree = try yard.tree()
        let worker = try tree.makeWorker()
        for (id, content) in zip(ids, contents) {
            #expect(try worker.find("blobs/\(id)")?.size == Int64(content.count), "the length is right at first sight")
            #expect(try worker.content("blobs/\(id)") == content)
        }
        #expect(try ids.map { try extent($0, in: yard) } == before)
        #expect(try isSound(yard))
    }

    @Test func `what was met without a key is right after the census of a mount`() throws {
        let yard = try Yard()
        let content = prose(400_000, seed: 22)
        let id = try put([content], in: yard)[0].id
        try yard.foreign("DELETE FROM blobs; DELETE FROM blob_tags")
        try yard.foreign(
            "INSERT INTO blobs(sha256, size, created_at) VALUES ('\(id)', \(try yard.sealed(id).count - 28), 1)")
        #expect(try Verification(store: yard.store).run().isSound, "a size that is only implied is no damage")
        let tree = try yard.tree()
        try Census(of: tree).run()
        let worker = try tree.makeWorker()
        #expect(try worker.find("blobs/\(id)")?.size == 400_000)
        #expect(throws: OsnovaError.self, "a kernel may still have the wrong length") {
            try worker.content("blobs/\(id)")
        }
        _ = try tree.nextChanges(waitingAtMost: 5)
        _ = try tree.nextChanges(waitingAtMost: 0)
        #expect(try worker.content("blobs/\(id)") == content)
    }

    @Test func `verify and its repair know a compressed file without a row`() throws {
        let yard = try Yard()
        let content = prose(400_000, seed: 23)
        let id = try put([content], in: yard)[0].id
        let before = try extent(id, in: yard)
        try yard.foreign("DELETE FROM blobs; DELETE FROM blob_tags")
        let verification = Verification(store: yard.store)
        let report = try verification.run()
        #expect(report.isSound && report.untracked == [id.hex])
        let repaired = try Repair(store: yard.store, from: nil).run(verification, report)
        #expect(repaired.untracked.isEmpty && repaired.repaired.count == 1)
        #expect(try extent(id, in: yard) == before)
        #expect(try yard.content(id) == content)
    }

    @Test func `a content that is a compressed stream, sealed as it is, is read as it is`() throws {
        let yard = try Yard()
        let inner = try put([prose(300_000, seed: 24)], in: yard)[0].id
        let stream = try stream(of: inner, in: yard)
        let id = try put([stream], in: yard)[0].id
        #expect(try extent(id, in: yard) == BlobExtent(plain: Int64(stream.count)))
        try yard.foreign("DELETE FROM blobs; DELETE FROM blob_tags")
        #expect(try yard.content(id) == stream)
        #expect(try yard.content(inner) == prose(300_000, seed: 24))
        #expect(try isSound(yard))
    }

    /// What was sealed of a compressed blob.
    private func stream(of id: ContentID, in yard: Yard) throws -> Data {
        let record = try #require(try yard.store.catalog.read { try $0.blob(id) })
        let nonce = try #require(record.nonce.flatMap { Nonce($0) })
        let blob = try #require(SealedBlob(id: id, nonce: nonce, extent: record.extent))
        let tags = try yard.store.catalog.read { try $0.tags(ofBlob: record.row) }
        let file = try yard.store.blobs.open(id)
        return try Data(
            BlobReader(keys: Yard.sealingKeys()).readSealed(blob, file: file, at: 0, count: 1 << 20) { chunks, memory in
                memory.copyBytes(from: tags[chunks.lowerBound * 16..<chunks.lowerBound * 16 + memory.count])
            })
    }

    /// The stream of a content that fits one frame, whose table may claim another length.
    private func stream(_ content: Data, claiming length: Int? = nil) throws -> Data {
        let compressor = try ZstdCompressor()
        var frame = [UInt8](repeating: 0, count: ZstdCompressor.bound(content.count))
        let count = try content.withUnsafeBytes { input in
            try frame.withUnsafeMutableBytes { try compressor.compress(input, into: $0) }
        }
        var stream = Data(frame.prefix(count))
        for word in [0x184D_2A5E, 17, count, length ?? content.count, 1] {
            withUnsafeBytes(of: UInt32(word).littleEndian) { stream.append(contentsOf: $0) }
        }
        return stream + [0, 0xB1, 0xEA, 0x92, 0x8F]
    }

    @Test func `what another program compressed is met and read, and a bomb is damage`() throws {
        let yard = try Yard()
        let content = prose(300_000, seed: 29)
        let id = try yard.plant(stream(content), as: digest(content))
        let zeros = Data(count: 32 << 20)
        let bombs = try [zeros.count, 512 << 10, 1000].map {
            let part = zeros.prefix($0 == zeros.count ? 400_000 : $0)
            return try yard.plant(stream(zeros, claiming: $0), as: digest(part + [UInt8($0 & 0xF)]))
        }
        let worker = try yard.tree().makeWorker()
        #expect(try worker.find("blobs/\(id)")?.size == 300_000)
        #expect(try worker.content("blobs/\(id)") == content)
        for bomb in bombs {
            #expect(kind { _ = try worker.content("blobs/\(bomb)") } == .damaged)
            #expect(try yard.store.catalog.read { try $0.blob(bomb) }?.nonce == nil)
        }
        #expect(try Verification(store: yard.store).run().damaged.count == bombs.count)
    }

    // MARK: Forged rows

    private static let forgeries = [
        "encoding = 0, sealed_size = NULL", "encoding = 0, size = sealed_size, sealed_size = NULL", "encoding = 7",
        "sealed_size = sealed_size - 1", "sealed_size = NULL", "size = size - 1", "size = 1", "encoding = 'x'",
        "sealed_size = 9223372036854775807", "size = 9223372036854775807",
    ]

    @Test(arguments: forgeries) func `a forged row gives an error or the content`(forgery: String) throws {
        let yard = try Yard()
        let content = prose(400_000, seed: 25)
        let id = try put([content], in: yard)[0].id
        try yard.foreign("UPDATE blobs SET \(forgery)")
        let worker = try yard.tree().makeWorker()
        let inode = try #require(try worker.find("blobs/\(id)").flatMap { Inode(number: $0.inode) })
        for offset in [0, 200_000, 399_000] as [Int64] {
            if let part = try? Data(worker.read(inode, at: offset, count: 1000)) {
                #expect(part == content.dropFirst(Int(offset)).prefix(1000))
            }
        }
    }

    @Test(arguments: forgeries) func `verify names a forged row, and its repair makes it anew`(forgery: String) throws {
        let yard = try Yard()
        let content = prose(400_000, seed: 25)
        let id = try put([content], in: yard)[0].id
        try yard.foreign("UPDATE blobs SET \(forgery)")
        let verification = Verification(store: yard.store)
        let report = try verification.run()
        #expect(report.damaged.map(\.sha256) == [id.hex])
        #expect(try Repair(store: yard.store, from: nil).run(verification, report).isSound)
        #expect(try yard.content(id) == content)
    }

    // MARK: Counting and removing

    @Test func `counts tell what compression saved, and collections what they freed`() throws {
        let yard = try Yard()
        let results = try put([prose(400_000, seed: 26), noise(100_000, seed: 27)], in: yard)
        let stored = results.reduce(0) { $0 + $1.storedSize }
        let statistics = try yard.store.statistics()
        #expect(statistics.plainBytes == 500_000 && statistics.storedBytes == stored)
        #expect(statistics.compressedCount == 1 && statistics.savedBytes == 500_056 - stored)
        let report = try GarbageCollection(store: yard.store).run(grace: 0)
        #expect(report.removed.count == 2 && report.freedBytes == stored)
        #expect(try yard.store.statistics().storedBytes == 0)
    }

    @Test func `a removed compressed blob is read on by who has it open`() throws {
        let yard = try Yard()
        let content = prose(400_000, seed: 28)
        let id = try put([content], in: yard)[0].id
        let tree = try yard.tree()
        let worker = try tree.makeWorker()
        let inode = try #require(try worker.find("blobs/\(id)").flatMap { Inode(number: $0.inode) })
        while try !tree.nextChanges(waitingAtMost: 0).isEmpty {}
        _ = try yard.store.catalog.write { try $0.forgetBlobs([id]) }
        _ = try tree.nextChanges(waitingAtMost: 5)
        try FileManager.default.removeItem(atPath: yard.sealedPath(id))
        #expect(try worker.attributes(of: inode)?.size == 400_000)
        #expect(try Data(worker.read(inode, at: 150_000, count: 200_000)) == content.dropFirst(150_000).prefix(200_000))
    }
}
