/// The vectors of `Tests/Fixtures/sealed/index.json`.
package struct SealedVectors: Decodable, Sendable {
    /// A component key of a phrase.
    package struct ComponentKey: Decodable, Sendable {
        package let componentId, key: String
        package let index: UInt64
    }

    /// The keys of a phrase, in hexadecimal.
    package struct Phrase: Decodable, Sendable {
        package let phrase, phraseUtf8Hex, masterKey, dbEncryptionKey, blobEncryptionKey: String
        package let componentKeys: [ComponentKey]
    }

    /// A sound sealed file.
    package struct Blob: Decodable, Sendable {
        package let phraseId, nonceHex, plainSha256, name, encSha256, file: String
        package let size, encSize: Int
    }

    /// A file that must be refused.
    package struct Bad: Decodable, Sendable, CustomStringConvertible {
        package let how, phraseId, file, expect: String
        package var description: String { how }
    }

    package let phrases: [String: Phrase]
    package let blobs: [Blob]
    package let bad: [Bad]

    /// Reads the vectors.
    package static func load() throws -> SealedVectors {
        try Fixtures.read("sealed/index.json", as: SealedVectors.self)
    }
}
