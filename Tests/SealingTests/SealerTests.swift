import CSodium
import Foundation
import Primitives
import Sealing
import TestSupport
import Testing

/// What the sealer writes, against other code for the same formats.
@Suite struct SealerTests {
    static let sizes = [0, 1, 15, 16, 17, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 700_001]

    /// libsodium's RFC 8439 as a second opinion.
    @Test(arguments: sizes) func `a sealed file is what libsodium makes of the content`(size: Int) throws {
        let content = noise(size, seed: UInt64(size))
        let outcome = try Sealed.seal(content, keys: Sealed.keys())
        let nonce = outcome.blob.nonce.bytes
        var sealed = [UInt8](repeating: 0, count: size + 16)
        var count: UInt64 = 0
        let code = try Sealed.secret(1).withUnsafeBytes { key in
            content.withUnsafeBytes { plain in
                crypto_aead_chacha20poly1305_ietf_encrypt(
                    &sealed, &count, plain.bindMemory(to: UInt8.self).baseAddress, UInt64(size), nil, 0, nil, nonce,
                    Array(key))
            }
        }
        #expect(code == 0 && count == UInt64(size + 16))
        #expect(outcome.file == Data(nonce) + Data(sealed))
        #expect(outcome.blob.length == Int64(size))
    }

    @Test(arguments: sizes) func `however it is cut into pieces, the file and its tags are the same`(size: Int) throws {
        let content = noise(size, seed: UInt64(size))
        let keys = try Sealed.keys()
        let nonce = try Nonce.random()
        let first = try Sealed.seal(content, keys: keys, nonce: nonce)
        for chunks in [2, 3, 100] {
            let other = try Sealed.seal(content, keys: keys, nonce: nonce, chunksAtOnce: chunks)
            #expect(other.file == first.file && other.tags == first.tags)
        }
    }

    /// `docs/format.md`, section 3, written down once more, slowly, over libsodium.
    @Test(arguments: sizes) func `the chunk tags are those of the format's description`(size: Int) throws {
        let outcome = try Sealed.seal(noise(size, seed: UInt64(size)), keys: Sealed.keys())
        #expect(outcome.tags == (try TagModel(tagKey: Sealed.secret(101)).tags(of: outcome)))
    }

    @Test func `an audit finds the same tags that sealing made`() throws {
        for size in Self.sizes {
            let keys = try Sealed.keys()
            let outcome = try Sealed.seal(noise(size, seed: 1), keys: keys)
            let finding = try Reading(outcome.file, keys: keys).audit(outcome.blob.id, keys: keys)
            #expect(finding.tags == outcome.tags && finding.blob == outcome.blob)
        }
    }

    @Test func `every sealing has its own nonce, so equal contents look different`() throws {
        let files = try (0..<20).map { _ in try Sealed.seal(Data("same".utf8), keys: Sealed.keys()).file }
        #expect(Set(files).count == 20)
        #expect(Set(files.map { $0.dropFirst(12).prefix(4) }).count > 1)
    }

    @Test func `a piece after an uneven piece is refused, not sealed wrongly`() throws {
        let sealer = try BlobSealer(keys: Sealed.keys())
        var output = [UInt8](repeating: 0, count: 5)
        func seal() throws {
            try [UInt8](repeating: 1, count: 5).withUnsafeBytes { input in
                try output.withUnsafeMutableBytes { try sealer.seal(input, into: $0) }
            }
        }
        try seal()
        #expect { try seal() } throws: { ($0 as? OsnovaError)?.kind == .usage }
    }
}

/// The chunk tags as `docs/format.md` describes them: no pass, no sharing, libsodium's primitives.
struct TagModel {
    let tagKey: SecretBytes

    func tags(of outcome: Sealed.Outcome) throws -> [UInt8] {
        let blob = outcome.blob
        let nonce = blob.nonce.bytes
        let hashKey = try HKDF.derive(from: tagKey, info: Array("chunk-hash".utf8))
        let padRoot = try HKDF.derive(from: tagKey, info: Array("chunk-pad".utf8))
        let length = withUnsafeBytes(of: UInt64(blob.length).littleEndian) { Array($0) }
        let padKey = try HKDF.derive(
            from: padRoot, info: blob.id.withUnsafeBytes { Array($0) } + nonce + length)
        let sealed = [UInt8](outcome.file.dropFirst(12))
        let count = max(1, (Int(blob.length) + 65_535) / 65_536)
        let r = keystream(hashKey, nonce, count: 16 * count)
        let s = keystream(padKey, nonce, count: 16 * count)
        return (0..<count).flatMap { chunk in
            let end = chunk == count - 1 ? sealed.count : 65_536 * (chunk + 1)
            let message = Array(sealed[(65_536 * chunk)..<end])
            let key = Array(r[(16 * chunk)..<(16 * chunk + 16)]) + Array(s[(16 * chunk)..<(16 * chunk + 16)])
            var tag = [UInt8](repeating: 0, count: 16)
            crypto_onetimeauth_poly1305(&tag, message, UInt64(message.count), key)
            return tag
        }
    }

    private func keystream(_ key: SecretBytes, _ nonce: [UInt8], count: Int) -> [UInt8] {
        var stream = [UInt8](repeating: 0, count: count)
        key.withUnsafeBytes {
            _ = crypto_stream_chacha20_ietf(&stream, UInt64(count), nonce, Array($0))
        }
        return stream
    }
}
