import Foundation
import Primitives
import TestSupport
import Testing

/// SHA-256 and HKDF against their standards.
@Suite struct DigestTests {
    /// FIPS 180-4's examples, and the million `a` of its test suite.
    @Test func `SHA-256 is that of FIPS 180-4`() throws {
        let vectors = [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            (
                String(repeating: "a", count: 1_000_000),
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
            ),
        ]
        for (message, digest) in vectors {
            #expect(try Data(message.utf8).withUnsafeBytes { try SHA256.digest($0) }.hex == digest)
        }
    }

    @Test func `a digest in pieces is that of the whole, and its object can be used again`() throws {
        let message = [UInt8](noise(10_000, seed: 1))
        let whole = try message.withUnsafeBytes { try SHA256.digest($0) }
        let digest = try SHA256()
        var generator = SeededGenerator(seed: 2)
        for _ in 0..<20 {
            var rest = message[...]
            while !rest.isEmpty {
                let piece = Array(rest.prefix(Int.random(in: 0...3000, using: &generator)))
                piece.withUnsafeBytes { digest.update($0) }
                rest = rest.dropFirst(piece.count)
            }
            #expect(try digest.finish() == whole)
        }
    }

    /// RFC 5869, appendix A.1 to A.3.
    @Test func `HKDF is that of RFC 5869`() throws {
        let counting = Array(UInt8(0x00)...0xFF)
        let vectors: [(material: [UInt8], salt: [UInt8], info: [UInt8], output: String)] = [
            (
                [UInt8](repeating: 0x0B, count: 22), Array(counting[0...12]), Array(counting[0xF0...0xF9]),
                "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
            ),
            (
                Array(counting[0...0x4F]), Array(counting[0x60...0xAF]), Array(counting[0xB0...0xFF]),
                "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
                    + "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"
            ),
            (
                [UInt8](repeating: 0x0B, count: 22), [], [],
                "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
            ),
        ]
        for vector in vectors {
            let derived = try HKDF.derive(
                from: secret(vector.material), salt: vector.salt, info: vector.info, count: vector.output.count / 2)
            #expect(open(derived) == bytes(vector.output))
        }
    }

    @Test func `HKDF refuses more than it can make`() throws {
        let material = try secret([1, 2, 3])
        #expect(try HKDF.derive(from: material, count: 255 * 32).count == 255 * 32)
        #expect(throws: OsnovaError.self) { try HKDF.derive(from: material, count: 255 * 32 + 1) }
    }
}
