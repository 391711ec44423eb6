import Keyring
import Primitives
import TestSupport

/// The vectors of BIP-39.
extension Fixtures {
    struct Trezor: Decodable { let vectors: [[String]] }

    struct Invalid: Decodable {
        struct Entry: Decodable, Sendable { let phrase, why: String }
        let invalid: [Entry]
    }

    /// Entropy in hexadecimal and its phrase.
    static func trezor() throws -> [(entropy: String, phrase: String)] {
        try read("bip39/trezor_vectors_english.json", as: Trezor.self).vectors.map { ($0[0], $0[1]) }
    }

    static func invalid() throws -> [Invalid.Entry] {
        try read("bip39/invalid_phrases.json", as: Invalid.self).invalid
    }
}

func parse(_ text: String) throws -> RecoveryPhrase {
    try parse(bytes: Array(text.utf8))
}

func parse(bytes: [UInt8]) throws -> RecoveryPhrase {
    try bytes.withUnsafeBytes { try RecoveryPhrase(parsing: $0) }
}

/// The line of the refusal; nil where the text is accepted or refused with another kind.
func refusal(of text: String) -> String? {
    refusal(of: Array(text.utf8))
}

func refusal(of bytes: [UInt8]) -> String? {
    do {
        _ = try parse(bytes: bytes)
        return nil
    } catch {
        guard let error = error as? OsnovaError, error.kind == .denied else { return nil }
        return error.message
    }
}

func hex(_ secret: SecretBytes) -> String {
    secret.withUnsafeBytes { Hexadecimal.string($0) }
}

extension RecoveryPhrase {
    var text: String { withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }
}
