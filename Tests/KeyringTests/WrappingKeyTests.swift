import Foundation
import Keyring
import Primitives
import TestSupport
import Testing

/// Secrets that are sealed for whoever holds a master key.
@Suite struct WrappingKeyTests {
    private func keys(_ seed: UInt64) throws -> KeyHierarchy {
        try KeyHierarchy(master: noise(32, seed: seed).withUnsafeBytes { try SecretBytes(copying: $0) })
    }

    private func bytes(_ secret: SecretBytes) -> [UInt8] { secret.withUnsafeBytes { Array($0) } }

    private func isRefused(_ call: () throws -> SecretBytes) -> Bool {
        do {
            _ = try call()
            return false
        } catch {
            return (error as? OsnovaError)?.kind == .damaged
        }
    }

    @Test func `a sealed secret opens with its key and its context, each time sealed it is another text`() throws {
        let (own, secret) = (try keys(1), try keys(2).master)
        let wrapping = try WrappingKey(.rekey, of: own)
        let sealed = try wrapping.seal(secret, context: [1, 2])
        #expect(sealed.count == 12 + 32 + 16)
        #expect(try bytes(wrapping.open(sealed, context: [1, 2])) == bytes(secret))
        #expect(try wrapping.seal(secret, context: [1, 2]) != sealed)
    }

    @Test func `another key, another purpose, another context and any changed bit are refused`() throws {
        let (own, secret) = (try keys(1), try keys(2).master)
        let sealed = try WrappingKey(.rekey, of: own).seal(secret, context: [1, 2])
        #expect(isRefused { try WrappingKey(.rekey, of: keys(3)).open(sealed, context: [1, 2]) })
        #expect(isRefused { try WrappingKey(.carriedKeys, of: own).open(sealed, context: [1, 2]) })
        #expect(isRefused { try WrappingKey(.rekey, of: own).open(sealed, context: [1]) })
        for bit in 0..<sealed.count * 8 {
            var changed = sealed
            changed[bit / 8] ^= 1 << (bit % 8)
            #expect(isRefused { try WrappingKey(.rekey, of: own).open(changed, context: [1, 2]) }, "bit \(bit)")
        }
        for count in 0..<sealed.count {
            #expect(isRefused { try WrappingKey(.rekey, of: own).open(Array(sealed.prefix(count)), context: [1, 2]) })
        }
    }

    /// HKDF and the cipher as another implementation (Python's cryptography 48) has them.
    @Test func `a secret that another implementation sealed opens`() throws {
        let vector = try #require(Hexadecimal.bytes(Array(Self.sealed.utf8)))
        let master = try SecretBytes(count: 32) { for index in 0..<32 { $0[index] = UInt8(index) } }
        let opened = try WrappingKey(.rekey, of: KeyHierarchy(master: master)).open(
            vector, context: Array("context".utf8))
        #expect(bytes(opened) == (32..<64).map { UInt8($0) })
    }

    private static let sealed =
        "6465666768696a6b6c6d6e6f9108ab6413d069cb230e0886146d484577f2e0ef9f7b23d81f11"
        + "929d7e1118b41d4947fabe87880d0c08e48b5124b72c"
}
