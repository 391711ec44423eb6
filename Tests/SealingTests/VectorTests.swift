import Foundation
import Primitives
import Sealing
import TestSupport
import Testing

/// Sealed files that an independent implementation made, sound ones and broken ones.
@Suite struct VectorTests {
    private let vectors: SealedVectors

    init() throws { vectors = try SealedVectors.load() }

    private func keys(_ phrase: String) throws -> SealingKeys {
        let hex = try #require(vectors.phrases[phrase]).blobEncryptionKey
        let bytes = try #require(Hexadecimal.bytes(hex.utf8))
        let blobKey = try bytes.withUnsafeBytes { try SecretBytes(copying: $0) }
        return try SealingKeys(blobKey: blobKey, tagKey: Sealed.secret(7))
    }

    @Test func `each sound file is adopted, and read at random by the tags that adoption made`() throws {
        #expect(vectors.blobs.count >= 20)
        var generator = SeededGenerator(seed: 1)
        for vector in vectors.blobs {
            let file = try Data(contentsOf: Fixtures.url("sealed/\(vector.file)"))
            #expect(try Sealed.digest(file).hex == vector.encSha256)
            let keys = try keys(vector.phraseId)
            let reading = try Reading(file, keys: keys)
            let id = try #require(ContentID(hex: vector.plainSha256))
            let finding = try reading.audit(id, keys: keys)
            #expect(finding.blob.length == Int64(vector.size))
            #expect(Hexadecimal.string(finding.blob.nonce.bytes) == vector.nonceHex)
            let whole = try reading.read(finding.blob, tags: finding.tags, at: 0, count: vector.size)
            #expect(try Sealed.digest(whole) == id)
            #expect(Data(finding.prefix) == whole.prefix(BlobAudit.prefixSize))
            for _ in 0..<20 {
                let start = Int.random(in: 0...vector.size, using: &generator)
                let count = Int.random(in: 0...5000, using: &generator)
                let part = try reading.read(finding.blob, tags: finding.tags, at: Int64(start), count: count)
                #expect(part == whole.dropFirst(start).prefix(count))
            }
        }
    }

    @Test func `sealing the same content under the same nonce makes the same file`() throws {
        for vector in vectors.blobs {
            let file = try Data(contentsOf: Fixtures.url("sealed/\(vector.file)"))
            let keys = try keys(vector.phraseId)
            let reading = try Reading(file, keys: keys)
            let finding = try reading.audit(try #require(ContentID(hex: vector.plainSha256)), keys: keys)
            let plain = try reading.read(finding.blob, tags: finding.tags, at: 0, count: vector.size)
            let again = try Sealed.seal(plain, keys: keys, nonce: finding.blob.nonce)
            #expect(again.file == file && again.tags == finding.tags && again.blob == finding.blob)
        }
    }

    @Test func `each broken file is refused as damaged`() throws {
        let broken = vectors.bad.filter { $0.expect != "bad_name" }
        #expect(broken.count >= 25)
        for vector in broken {
            let url = Fixtures.url("sealed/\(vector.file)")
            let id = try #require(ContentID(hex: url.deletingPathExtension().lastPathComponent), "\(vector.how)")
            let keys = try keys(vector.phraseId)
            let reading = try Reading(Data(contentsOf: url), keys: keys)
            #expect(isDamaged { _ = try reading.audit(id, keys: keys) }, "\(vector.how)")
        }
    }
}
