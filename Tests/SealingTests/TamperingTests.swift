import Foundation
import Primitives
import Sealing
import TestSupport
import Testing

/// What an attacker or a failing disk may do to a file or to its tags: a refusal, never a wrong byte.
@Suite struct TamperingTests {
    private static let size = 4 * 65_536 + 500
    private static let chunkCount = 5

    private let keys: SealingKeys
    private let content = noise(TamperingTests.size, seed: 1)
    private let sound: Sealed.Outcome

    init() throws {
        keys = try Sealed.keys()
        sound = try Sealed.seal(content, keys: keys)
    }

    /// The chunks that still read; what reads must be right.
    private func readable(
        _ file: Data, blob: SealedBlob? = nil, tags: [UInt8]? = nil, keys: SealingKeys? = nil
    ) throws -> Set<Int> {
        let reading = try Reading(file, keys: keys ?? self.keys)
        var sound: Set<Int> = []
        for chunk in 0..<Self.chunkCount {
            let isRefused = isDamaged {
                let part = try reading.read(
                    blob ?? self.sound.blob, tags: tags ?? self.sound.tags, at: Int64(chunk) * 65_536, count: 65_536)
                #expect(part == content.dropFirst(chunk * 65_536).prefix(65_536), "wrong bytes in chunk \(chunk)")
            }
            if !isRefused { sound.insert(chunk) }
        }
        return sound
    }

    private func isRefusedAsAWhole(_ file: Data, id: ContentID? = nil) throws -> Bool {
        let reading = try Reading(file, keys: keys)
        return isDamaged { _ = try reading.audit(id ?? sound.blob.id, keys: keys) }
    }

    @Test func `a sound file reads whole`() throws {
        #expect(try readable(sound.file) == Set(0..<5))
        #expect(try !isRefusedAsAWhole(sound.file))
    }

    /// First, middle and last byte of each chunk and of the file's tag, each with another bit.
    @Test func `a flipped bit costs its own chunk and no other`() throws {
        for chunk in 0..<Self.chunkCount {
            let start = 12 + chunk * 65_536
            let end = chunk == 4 ? sound.file.count : start + 65_536
            for (index, place) in [start, start + 250, end - 1, end - 17].enumerated() {
                var file = sound.file
                file[place] ^= 1 << UInt8(index * 2)
                #expect(try readable(file) == Set(0..<5).subtracting([min(4, (place - 12) / 65_536)]), "byte \(place)")
                #expect(try isRefusedAsAWhole(file), "byte \(place)")
            }
        }
    }

    @Test func `a flipped bit of the nonce is another sealing, of which nothing is known`() throws {
        for place in 0..<12 {
            var file = sound.file
            file[place] ^= 0x10
            #expect(try isRefusedAsAWhole(file))
            let nonce = try #require(Nonce([UInt8](file.prefix(12))))
            let blob = try #require(SealedBlob(id: sound.blob.id, nonce: nonce, length: sound.blob.length))
            #expect(try readable(file, blob: blob).isEmpty)
        }
    }

    @Test func `a flipped bit of a chunk's tag costs that chunk`() throws {
        for bit in stride(from: 0, to: Self.chunkCount * 128, by: 13) {
            var tags = sound.tags
            tags[bit / 8] ^= 1 << (bit % 8)
            #expect(try readable(sound.file, tags: tags) == Set(0..<5).subtracting([bit / 128]), "bit \(bit)")
        }
    }

    @Test func `a file that was cut or lengthened is no such blob`() throws {
        for count in [0, 1, 11, 12, 27, 28, 65_548, sound.file.count - 16, sound.file.count - 1] {
            let file = sound.file.prefix(count)
            #expect(try isRefusedAsAWhole(file), "cut to \(count)")
            #expect(try !readable(file).contains(4), "cut to \(count)")
        }
        #expect(try isRefusedAsAWhole(sound.file + [0]))
    }

    @Test func `another recorded length costs all that depends on it`() throws {
        // A length of zero could be checked by no tag.
        #expect(SealedBlob(id: sound.blob.id, nonce: sound.blob.nonce, length: 0) == nil)
        for length in [1, Self.size - 1, Self.size + 1, 65_536] {
            let blob = try #require(
                SealedBlob(id: sound.blob.id, nonce: sound.blob.nonce, length: Int64(length)))
            let reading = try Reading(sound.file, keys: keys)
            let tags = sound.tags + [UInt8](repeating: 0, count: 64)
            for offset in stride(from: 0, to: length, by: 65_536) {
                #expect(
                    isDamaged { _ = try reading.read(blob, tags: tags, at: Int64(offset), count: 1) },
                    "length \(length), offset \(offset)")
            }
        }
    }

    @Test func `chunks that change places are refused, with their tags or without`() throws {
        var file = sound.file
        let first = 12..<12 + 65_536
        let second = first.upperBound..<first.upperBound + 65_536
        file.replaceSubrange(first, with: sound.file[second])
        file.replaceSubrange(second, with: sound.file[first])
        #expect(try readable(file) == [2, 3, 4])
        let tags = Array(sound.tags[16..<32]) + Array(sound.tags[0..<16]) + Array(sound.tags[32...])
        #expect(try readable(file, tags: tags) == [2, 3, 4])
        #expect(try isRefusedAsAWhole(file))
    }

    @Test func `the tags of another blob, or of another sealing, open nothing`() throws {
        let other = try Sealed.seal(noise(Self.size, seed: 2), keys: keys)
        #expect(try readable(sound.file, tags: other.tags).isEmpty)
        #expect(try readable(other.file, tags: sound.tags).isEmpty)
        #expect(try readable(other.file, tags: other.tags).isEmpty, "under the name of the first")
        #expect(try isRefusedAsAWhole(other.file))
        let again = try Sealed.seal(content, keys: keys)
        #expect(try readable(again.file).isEmpty)
        #expect(try readable(again.file, blob: again.blob, tags: again.tags) == Set(0..<5))
        #expect(try readable(sound.file, tags: [UInt8](repeating: 0, count: 80)).isEmpty)
    }

    @Test func `other keys open nothing`() throws {
        #expect(try readable(sound.file, keys: Sealed.keys(seed: 9)).isEmpty)
        let foreignTags = try SealingKeys(blobKey: Sealed.secret(1), tagKey: Sealed.secret(9))
        #expect(try readable(sound.file, keys: foreignTags).isEmpty)
        let reading = try Reading(sound.file, keys: keys)
        #expect(isDamaged { _ = try reading.audit(sound.blob.id, keys: Sealed.keys(seed: 9)) })
    }
}
