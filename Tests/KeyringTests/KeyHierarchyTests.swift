import Primitives
import TestSupport
import Testing

@testable import Keyring

@Suite struct KeyHierarchyTests {
    private let vectors: SealedVectors

    init() throws {
        vectors = try SealedVectors.load()
    }

    @Test func matchesTheSeedsKeys() throws {
        #expect(vectors.phrases.count >= 2)
        for vector in vectors.phrases.values {
            let phrase = try parse(vector.phrase)
            #expect(phrase.withUnsafeBytes { Hexadecimal.string($0) } == vector.phraseUtf8Hex)
            let keys = try KeyHierarchy(phrase: phrase)
            #expect(hex(keys.master) == vector.masterKey)
            #expect(hex(keys.databaseKey) == vector.dbEncryptionKey)
            #expect(hex(keys.blobKey) == vector.blobEncryptionKey)
        }
    }

    @Test func matchesTheSeedsComponentKeys() throws {
        for vector in vectors.phrases.values {
            let keys = try KeyHierarchy(phrase: parse(vector.phrase))
            #expect(!vector.componentKeys.isEmpty)
            for component in vector.componentKeys {
                #expect(hex(try keys.componentKey(component.componentId, index: component.index)) == component.key)
            }
        }
    }

    @Test func sameKeysFromTheMasterKey() throws {
        let vector = try #require(vectors.phrases["p1"])
        let fromPhrase = try KeyHierarchy(phrase: parse(vector.phrase))
        let bytes = try #require(Hexadecimal.bytes(vector.masterKey.utf8))
        let fromMaster = try bytes.withUnsafeBytes { try KeyHierarchy(master: SecretBytes(copying: $0)) }
        #expect(hex(fromMaster.blobKey) == vector.blobEncryptionKey)
        #expect(hex(fromMaster.tagKey) == hex(fromPhrase.tagKey))
        #expect(fromMaster.fingerprint == fromPhrase.fingerprint)
    }

    /// Computed for the zero phrase with Python's `hmac` as RFC 5869 says.
    @Test func ourOwnKeysStayWhatTheyAre() throws {
        let keys = try KeyHierarchy(phrase: parse(try #require(vectors.phrases["p1"]).phrase))
        #expect(hex(keys.tagKey) == "b6aa63ece878c57e80edf77af97a279e9723ef89b3c021c9bcd913d03f504f1b")
        #expect(
            Hexadecimal.string(keys.fingerprint) == "d73bc511d7566dac9751b52ec777c2ae3fd3e133aa7446f84ce5c8d41451e44b")
    }

    @Test func keysDiffer() throws {
        let all = try vectors.phrases.values.flatMap { vector in
            let keys = try KeyHierarchy(phrase: parse(vector.phrase))
            return [keys.master, keys.databaseKey, keys.blobKey, keys.tagKey].map(hex)
                + [Hexadecimal.string(keys.fingerprint)]
        }
        #expect(Set(all).count == 5 * vectors.phrases.count)
    }

    @Test(arguments: [0, 31, 33]) func refusesAnotherSizeOfMasterKey(size: Int) throws {
        let master = try SecretBytes(count: size) { Sodium.wipe($0) }
        #expect { try KeyHierarchy(master: master) } throws: { ($0 as? OsnovaError)?.kind == .damaged }
    }
}
