internal import ArgumentParser
internal import CSodium
internal import Foundation
internal import OsnovaStorage
internal import Sealing

struct CryptoBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crypto",
        abstract: "Each primitive on one core over pieces of 64 KiB, beside libsodium and 'openssl speed'.")

    private static let pieceSize = 64 << 10

    func run() throws {
        print("| primitive | ours, GB/s | libsodium, GB/s | openssl speed, GB/s |\n|---|---:|---:|---:|")
        try row("SHA-256", openssl: "-evp sha256", ours: digest(), libsodium: sodiumDigest)
        try row("ChaCha20", openssl: "-evp chacha20", ours: cipher(), libsodium: sodiumCipher)
        try row("Poly1305", openssl: "-hmac none", ours: authenticator(), libsodium: sodiumAuthenticator)
        try row("seal with all tags", openssl: "-evp chacha20-poly1305", ours: sealer(), libsodium: sodiumSeal)
    }

    private func row(
        _ name: String, openssl: String, ours: () throws -> Void, libsodium: () throws -> Void
    ) throws {
        let reference = try OpenSSLSpeed.rate(openssl)
        let theirs = reference.isNaN ? "-" : Figures.text(reference)
        print("| \(name) | \(try Figures.text(rate(ours))) | \(try Figures.text(rate(libsodium))) | \(theirs) |")
    }

    /// GB a second, the best of five tries.
    private func rate(_ body: () throws -> Void) throws -> Double {
        let pieces = 2_000
        var best = 0.0
        for _ in 0..<5 {
            let start = Clock.nanoseconds
            for _ in 0..<pieces { try body() }
            best = max(best, Double(pieces * Self.pieceSize) / Double(Clock.nanoseconds - start))
        }
        return best
    }

    // MARK: Ours

    private func digest() throws -> () throws -> Void {
        let hash = try SHA256()
        let piece = [UInt8](repeating: 1, count: Self.pieceSize)
        return { piece.withUnsafeBytes { hash.update($0) } }
    }

    private func cipher() throws -> () throws -> Void {
        let cipher = try ChaCha20()
        let (key, nonce) = ([UInt8](repeating: 2, count: 32), [UInt8](repeating: 3, count: 12))
        let buffer = ScratchBuffer(count: Self.pieceSize)
        return {
            try key.withUnsafeBytes { key in
                try nonce.withUnsafeBytes {
                    try cipher.apply(
                        key: key, nonce: $0, counter: 1, from: UnsafeRawBufferPointer(buffer.bytes), to: buffer.bytes)
                }
            }
        }
    }

    private func authenticator() throws -> () throws -> Void {
        let authenticator = try Poly1305()
        let key = [UInt8](repeating: 2, count: 32)
        let piece = [UInt8](repeating: 1, count: Self.pieceSize)
        return {
            try key.withUnsafeBytes { try authenticator.start(key: $0) }
            piece.withUnsafeBytes { authenticator.update($0) }
            _ = try authenticator.finish()
        }
    }

    private func sealer() throws -> () throws -> Void {
        let secret = try SecretBytes(count: 32) { try Sodium.randomize($0) }
        let sealer = try BlobSealer(keys: SealingKeys(blobKey: secret, tagKey: secret))
        let buffer = ScratchBuffer(count: Self.pieceSize)
        return { try sealer.seal(UnsafeRawBufferPointer(buffer.bytes), into: buffer.bytes) }
    }

    // MARK: libsodium's

    private func sodiumDigest() {
        var digest = [UInt8](repeating: 0, count: 32)
        crypto_hash_sha256(&digest, Self.piece, UInt64(Self.pieceSize))
    }

    private func sodiumCipher() {
        crypto_stream_chacha20_ietf_xor_ic(
            Self.output, Self.piece, UInt64(Self.pieceSize), Self.shortKey, 1, Self.shortKey)
    }

    private func sodiumAuthenticator() {
        var tag = [UInt8](repeating: 0, count: 16)
        crypto_onetimeauth_poly1305(&tag, Self.piece, UInt64(Self.pieceSize), Self.shortKey)
    }

    private func sodiumSeal() {
        var count: UInt64 = 0
        crypto_aead_chacha20poly1305_ietf_encrypt(
            Self.output, &count, Self.piece, UInt64(Self.pieceSize), nil, 0, nil, Self.shortKey, Self.shortKey)
    }

    private static let piece = [UInt8](repeating: 1, count: pieceSize)
    private static let shortKey = [UInt8](repeating: 2, count: 32)
    nonisolated(unsafe) private static let output = UnsafeMutablePointer<UInt8>.allocate(capacity: pieceSize + 16)
}
