import Foundation
@testable import Primitives
import TestSupport
import Testing

/// ChaCha20 and Poly1305 against RFC 8439.
@Suite struct CipherTests {
    private let key = Array(UInt8(0)..<32)

    private func apply(
        _ cipher: ChaCha20, key: [UInt8], nonce: [UInt8], counter: UInt32, _ input: [UInt8]
    ) throws -> [UInt8] {
        var output = [UInt8](repeating: 0, count: input.count)
        try key.withUnsafeBytes { key in
            try nonce.withUnsafeBytes { nonce in
                try input.withUnsafeBytes { input in
                    try output.withUnsafeMutableBytes {
                        try cipher.apply(key: key, nonce: nonce, counter: counter, from: input, to: $0)
                    }
                }
            }
        }
        return output
    }

    /// RFC 8439 §2.4.2.
    @Test func `ChaCha20 encrypts as RFC 8439 does`() throws {
        let text = """
            Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would \
            be it.
            """
        let expected = """
            6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0bf91b65c5524733ab8f593dabcd62b357
            1639d624e65152ab8f530c359f0861d807ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab7793736
            5af90bbf74a35be6b40b8eedf2785e42874d
            """
        let nonce = bytes("000000000000004a00000000")
        #expect(try apply(ChaCha20(), key: key, nonce: nonce, counter: 1, Array(text.utf8)) == bytes(expected))
    }

    /// RFC 8439 §2.3.2: one block of keystream.
    @Test func `the keystream is that of RFC 8439`() throws {
        let expected = """
            10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4ed2826446079faa0914c2d705d98b02a2
            b5129cd1de164eb9cbd083e8a2503c4e
            """
        var stream = [UInt8](repeating: 0xAA, count: 64)
        try key.withUnsafeBytes { key in
            try bytes("000000090000004a00000000").withUnsafeBytes { nonce in
                try stream.withUnsafeMutableBytes {
                    try ChaCha20().keystream(key: key, nonce: nonce, counter: 1, to: $0)
                }
            }
        }
        #expect(stream == bytes(expected))
    }

    @Test func `any block can be reached without those before it`() throws {
        let cipher = try ChaCha20()
        let nonce = [UInt8](repeating: 7, count: 12)
        let plain = [UInt8](noise(64 * 300 + 17, seed: 3))
        let whole = try apply(cipher, key: key, nonce: nonce, counter: 1, plain)
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<100 {
            let block = Int.random(in: 0..<300, using: &generator)
            let end = Int.random(in: block * 64...plain.count, using: &generator)
            let part = Array(plain[(block * 64)..<end])
            let sealed = try apply(cipher, key: key, nonce: nonce, counter: UInt32(1 + block), part)
            #expect(sealed == Array(whole[(block * 64)..<end]))
        }
    }

    /// Short inputs are libcrypto's, long ones mostly ours.
    @Test func `a long input is enciphered as its blocks one by one are`() throws {
        let cipher = try ChaCha20()
        var generator = SeededGenerator(seed: 11)
        for round in 0..<60 {
            let key = [UInt8](noise(32, seed: UInt64(round)))
            let nonce = [UInt8](noise(12, seed: UInt64(1000 + round)))
            let around = 2048 * (round / 4) + [-1, 0, 1, 63][round % 4]
            let count = round < 20 ? max(0, around) : Int.random(in: 0...20_000, using: &generator)
            let plain = [UInt8](noise(count, seed: UInt64(2000 + round)))
            // The last block is number 2^32 - 1 at most.
            let last = round % 3 == 0 ? UInt32.max : UInt32.random(in: 1000...UInt32.max, using: &generator)
            let first = last - UInt32(count / 64)
            let whole = try apply(cipher, key: key, nonce: nonce, counter: first, plain)
            var blocks: [UInt8] = []
            for start in stride(from: 0, to: count, by: 64) {
                let block = Array(plain[start..<min(start + 64, count)])
                blocks += try apply(cipher, key: key, nonce: nonce, counter: first + UInt32(start / 64), block)
            }
            #expect(whole == blocks, "\(count) bytes from block \(first)")
        }
    }

    @Test func `input and output may be the same memory, at any address`() throws {
        let cipher = try ChaCha20()
        let nonce = [UInt8](repeating: 7, count: 12)
        let plain = [UInt8](noise(5000, seed: 12))
        let expected = try apply(cipher, key: key, nonce: nonce, counter: 1, plain)
        for shift in [0, 1, 12, 63] {
            var memory = [UInt8](repeating: 0, count: shift) + plain
            try memory.withUnsafeMutableBytes { memory in
                let place = UnsafeMutableRawBufferPointer(rebasing: memory[shift...])
                try key.withUnsafeBytes { key in
                    try nonce.withUnsafeBytes {
                        try cipher.apply(
                            key: key, nonce: $0, counter: 1, from: UnsafeRawBufferPointer(place), to: place)
                    }
                }
            }
            #expect(Array(memory[shift...]) == expected)
        }
    }

    @Test func `wrong sizes are refused`() throws {
        let cipher = try ChaCha20()
        let nonce = [UInt8](repeating: 0, count: 12)
        #expect(throws: OsnovaError.self) { try apply(cipher, key: [1], nonce: nonce, counter: 0, [1]) }
        #expect(throws: OsnovaError.self) { try apply(cipher, key: key, nonce: [1], counter: 0, [1]) }
        #expect(try apply(cipher, key: key, nonce: nonce, counter: 0, []) == [])
    }

    private func tag(_ authenticator: Poly1305, key: [UInt8], _ pieces: [[UInt8]]) throws -> [UInt8] {
        try key.withUnsafeBytes { try authenticator.start(key: $0) }
        for piece in pieces { piece.withUnsafeBytes { authenticator.update($0) } }
        return try authenticator.finish().withUnsafeBytes { Array($0) }
    }

    /// RFC 8439 §2.5.2, and the vectors 7 to 9 of its appendix A.3, which try the carries.
    @Test func `Poly1305 is that of RFC 8439`() throws {
        let one = "01" + String(repeating: "00", count: 31)
        let two = "02" + String(repeating: "00", count: 31)
        let ones = String(repeating: "ff", count: 16)
        let vectors: [(key: String, message: [UInt8], tag: String)] = [
            (
                "85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b",
                Array("Cryptographic Forum Research Group".utf8), "a8061dc1305136c6c22b8baf0c0127a9"
            ),
            (two, bytes(ones), "03000000000000000000000000000000"),
            (
                "02" + String(repeating: "00", count: 15) + ones, bytes("02" + String(repeating: "00", count: 15)),
                "03000000000000000000000000000000"
            ),
            (
                one,
                bytes(ones + "f0" + String(repeating: "ff", count: 15) + "11" + String(repeating: "00", count: 15)),
                "05000000000000000000000000000000"
            ),
            (
                one, bytes(ones + "fb" + String(repeating: "fe", count: 15) + String(repeating: "01", count: 16)),
                String(repeating: "00", count: 16)
            ),
        ]
        for authenticator in try [Poly1305(), Poly1305(byLibrary: true)] {
            for vector in vectors {
                #expect(try tag(authenticator, key: bytes(vector.key), [vector.message]) == bytes(vector.tag))
            }
        }
    }

    @Test func `a tag in pieces is that of the whole`() throws {
        let authenticator = try Poly1305()
        let message = [UInt8](noise(5000, seed: 5))
        let key = [UInt8](noise(32, seed: 6))
        let whole = try tag(authenticator, key: key, [message])
        for cut in [0, 1, 15, 16, 17, 4999, 5000] {
            #expect(try tag(authenticator, key: key, [Array(message[..<cut]), Array(message[cut...])]) == whole)
        }
    }

    /// Beside libcrypto's, which is another's work; the same one twice where the processor has no AVX-512.
    @Test func `a tag is that of libcrypto, whatever the length, the pieces and the values`() throws {
        let ours = try Poly1305()
        let theirs = try Poly1305(byLibrary: true)
        var generator = SeededGenerator(seed: 21)
        for round in 0..<3000 {
            let count = round < 1400 ? round : Int.random(in: 0...70_000, using: &generator)
            // Bytes that are all ones make the largest limbs and the longest carries, zeros the smallest.
            let extreme: UInt8? = [nil, 0xFF, 0, nil][round % 4]
            let key = [UInt8](
                round % 8 < 4 ? noise(32, seed: UInt64(round)) : Data(repeating: UInt8(round % 256), count: 32))
            var message = extreme.map { [UInt8](repeating: $0, count: count) } ?? [UInt8](noise(count, seed: 22))
            if round % 5 == 0, count > 0 { message[Int.random(in: 0..<count, using: &generator)] ^= 0x80 }
            let cut = Int.random(in: 0...count, using: &generator)
            let pieces = round % 2 == 0 ? [message] : [Array(message[..<cut]), Array(message[cut...])]
            let expected = try tag(theirs, key: key, [message])
            #expect(try tag(ours, key: key, pieces) == expected, "\(count) bytes, cut at \(cut), round \(round)")
        }
    }

    /// Sixteen sums of the largest blocks under the largest `r`, and messages whose value is about p and 2^130.
    @Test func `carries that go through all limbs are those of libcrypto`() throws {
        let ours = try Poly1305()
        let theirs = try Poly1305(byLibrary: true)
        let one = [1] + [UInt8](repeating: 0, count: 15)
        for r in [[UInt8](repeating: 0xFF, count: 16), one, [4] + one.dropFirst()] {
            for tail in 0...255 {
                for blocks in [1, 64, 65, 80, 4096] {
                    var message = [UInt8](repeating: 0xFF, count: blocks * 16)
                    message[message.count - 16] = UInt8(tail)
                    let key = r + [UInt8](repeating: 0xFF, count: 16)
                    #expect(try tag(ours, key: key, [message]) == tag(theirs, key: key, [message]))
                }
            }
        }
    }

    /// `tag(r, s) = tag(r, 0) + s` modulo 2^128: what lets a pad be added at the end of a pass.
    @Test func `a tag is its polynomial and its pad, added`() throws {
        let authenticator = try Poly1305()
        for seed in 0..<200 {
            let message = [UInt8](noise(seed * 7, seed: UInt64(seed)))
            let r = [UInt8](noise(16, seed: UInt64(1000 + seed)))
            let s = seed == 0 ? [UInt8](repeating: 0xFF, count: 16) : [UInt8](noise(16, seed: UInt64(2000 + seed)))
            let direct = try tag(authenticator, key: r + s, [message])
            let bare = try tag(authenticator, key: r + [UInt8](repeating: 0, count: 16), [message])
            let sum = bare.withUnsafeBytes { Tag($0) }.adding(s.withUnsafeBytes { Tag($0) })
            #expect(sum.withUnsafeBytes { Array($0) } == direct)
        }
    }

    @Test func `tags match only themselves`() {
        let tag = [UInt8](noise(16, seed: 9)).withUnsafeBytes { Tag($0) }
        #expect(tag.matches(tag))
        for bit in 0..<128 {
            var changed = [UInt8](noise(16, seed: 9))
            changed[bit / 8] ^= 1 << (bit % 8)
            #expect(!tag.matches(changed.withUnsafeBytes { Tag($0) }), "bit \(bit)")
        }
    }
}
