import Foundation
import Primitives
import TestSupport
import Testing

@testable import Keyring

@Suite struct CocoonWriterTests {
    private static let sizes = [0, 1, 15, 16, 17, 4096, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3_500_000]

    @Test(arguments: CocoonCipher.allCases, CocoonStrength.allCases)
    func `what is written is read back`(cipher: CocoonCipher, strength: CocoonStrength) throws {
        let password = try secret("pässword".utf8)
        for size in Self.sizes {
            let payload = Array(noise(size, seed: UInt64(size)))
            let writer = try CocoonWriter(CocoonSource(payload), cipher: cipher, strength: strength)
            let key = try #require(writer.derivation).key(password: password)
            let bytes = try writer.bytes(key: key)
            #expect(
                bytes.count == 60 + size
                    && bytes.prefix(8) == [0x7f, 0xc0, 10, 1, cipher.rawValue, 1, strength.rawValue, 0])
            let container = try CocoonContainer(CocoonSource(bytes))
            #expect(try array(container.payload(key: key)) == payload)
            var streamed: [UInt8] = []
            try container.forEachPiece(key: key) { streamed += $0 }
            #expect(streamed == payload)
        }
    }

    @Test(arguments: CocoonCipher.allCases)
    func `a Mini container is opened by its key alone`(cipher: CocoonCipher) throws {
        let key = try secret(noise(32, seed: 1))
        let bytes = try CocoonWriter(mini: CocoonSource(Array("payload".utf8)), cipher: cipher).bytes(key: key)
        #expect(bytes.count == 36 + 7)
        let container = try CocoonContainer(mini: CocoonSource(bytes), cipher: cipher)
        #expect(try array(container.payload(key: key)) == Array("payload".utf8))
        let wrong = try secret(noise(32, seed: 2))
        #expect(failure { _ = try container.payload(key: wrong) } == .refusedCocoon)
    }

    @Test func `salt and nonce are others each time`() throws {
        var seen: Set<[UInt8]> = []
        for _ in 0..<100 {
            let frame = try CocoonFrame(fullFor: 0, cipher: .chacha20poly1305, strength: .strong)
            seen.insert(Array(frame.header[8..<24]))
            seen.insert(frame.nonce)
        }
        #expect(seen.count == 200)
    }

    @Test func `nothing of a long payload is given out before all of it was verified`() throws {
        let key = try secret(noise(32, seed: 1))
        var bytes = try CocoonWriter(mini: CocoonSource(Array(noise(3 << 20, seed: 2)))).bytes(key: key)
        bytes[bytes.count - 1] ^= 1
        let container = try CocoonContainer(mini: CocoonSource(bytes), cipher: .chacha20poly1305)
        var given = 0
        #expect(failure { try container.forEachPiece(key: key) { given += $0.count } } == .refusedCocoon)
        #expect(given == 0)
    }

    @Test func `nothing is given out that changed since it was verified`() throws {
        let key = try secret(noise(32, seed: 1))
        let payload = Array(noise(3_500_000, seed: 2))
        let sealed = try CocoonWriter(mini: CocoonSource(payload)).bytes(key: key)
        var bytes = sealed
        let changing = CocoonSource(count: Int64(bytes.count)) { out, offset in
            out.copyBytes(from: bytes[Int(offset)..<Int(offset) + out.count])
            return out.count
        }
        let container = try CocoonContainer(mini: changing, cipher: .chacha20poly1305)
        var given: [UInt8] = []
        let refusal = failure {
            try container.forEachPiece(key: key) { piece in
                given += piece
                bytes[3_000_000] = sealed[3_000_000] ^ 1
            }
        }
        #expect(refusal?.kind == .busy)
        #expect(given == Array(payload.prefix(2 << 20)))
    }

    @Test func `a container cut anywhere or with any bit of its header flipped is refused`() throws {
        let password = try secret("p".utf8)
        let writer = try CocoonWriter(CocoonSource(Array("payload".utf8)), strength: .weak)
        let key = try #require(writer.derivation).key(password: password)
        let bytes = try writer.bytes(key: key)
        for length in 0..<bytes.count {
            let refusal = failure { _ = try CocoonContainer(CocoonSource(Array(bytes.prefix(length)))) }
            #expect(refusal?.kind == .damaged, "cut at \(length)")
        }
        for bit in 0..<60 * 8 {
            var changed = bytes
            changed[bit / 8] ^= 1 << (bit % 8)
            let refusal = failure {
                let container = try CocoonContainer(CocoonSource(changed))
                let key = try container.derivation?.key(password: password) ?? key
                _ = try container.payload(key: key)
            }
            #expect(refusal?.kind == .damaged || refusal == .refusedCocoon, "bit \(bit)")
        }
    }
}
