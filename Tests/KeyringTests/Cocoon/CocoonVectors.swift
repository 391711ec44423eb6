import Foundation
import Primitives
import TestSupport

@testable import Keyring

/// The vectors of `Tests/Fixtures/cocoon/index.json`.
struct CocoonVectors: Decodable {
    struct Vector: Decodable, Sendable, CustomStringConvertible {
        struct Payload: Decodable, Sendable { let sha256: String }

        let name, status, kind, secretType, secretHex, cipher, file: String
        let seedHex, derivedKeyHex, firstPayloadSha256: String?
        let alsoOpensWithHex: [String]?
        let payload: Payload?
        let multi: [Payload]?
        let trailing: Int64?
        let real: [String: String]

        var description: String { name }
        var isMini: Bool { kind == "mini" }
        var content: [UInt8] {
            get throws { try Array(Data(contentsOf: Fixtures.url("cocoon/\(file)"))) }
        }
        var cocoonCipher: CocoonCipher { cipher == "aes256gcm" ? .aes256gcm : .chacha20poly1305 }

        func container(of bytes: [UInt8]) throws -> CocoonContainer {
            try isMini
                ? CocoonContainer(mini: CocoonSource(bytes), cipher: cocoonCipher)
                : CocoonContainer(CocoonSource(bytes))
        }

        /// The key that the vector's secret makes for a container.
        func key(for container: CocoonContainer, secretHex other: String? = nil) throws -> SecretBytes {
            let secret = try secret(hex: other ?? secretHex)
            if secretType == "key" { return secret }
            if let derivation = container.derivation { return try derivation.key(password: secret) }
            let seed = Hexadecimal.bytes((seedHex ?? "").utf8) ?? []
            return try CocoonDerivation(seed: seed).key(password: secret)
        }
    }

    let vectors: [Vector]

    static func load(_ status: String) throws -> [Vector] {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let all = try decoder.decode(CocoonVectors.self, from: Data(contentsOf: Fixtures.url("cocoon/index.json")))
        return all.vectors.filter { $0.status == status }
    }
}

func secret(_ bytes: some Collection<UInt8>) throws -> SecretBytes {
    try SecretBytes(count: bytes.count) { $0.copyBytes(from: bytes) }
}

func secret(hex: String) throws -> SecretBytes {
    try secret(Hexadecimal.bytes(hex.utf8) ?? [])
}

func sha256(_ secret: SecretBytes) throws -> String {
    try secret.withUnsafeBytes { try SHA256.digest($0).hex }
}

func array(_ secret: SecretBytes) -> [UInt8] { secret.withUnsafeBytes { Array($0) } }

/// The error of the project that a closure throws; nil where it throws none.
func failure(_ body: () throws -> Void) -> OsnovaError? {
    do {
        try body()
        return nil
    } catch {
        return error as? OsnovaError
    }
}
