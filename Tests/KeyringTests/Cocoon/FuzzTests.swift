import Foundation
import Primitives
import TestSupport
import Testing

@testable import Keyring

/// Bytes that somebody else chose: random ones and sound ones that were changed; `scripts/fuzz` runs a million and more.
@Suite struct FuzzTests {
    private static let inputs =
        ProcessInfo.processInfo.environment["OSNOVAFS_FUZZ_INPUTS"].flatMap { Int($0) } ?? 20_000

    /// Changes some bytes, cuts, extends, or puts numbers of special interest where lengths stand.
    private func mutate(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var changed = bytes
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            switch Int.random(in: 0..<5, using: &generator) {
            case 0 where !changed.isEmpty:
                changed[Int.random(in: changed.indices, using: &generator)] ^=
                    1 << UInt8.random(in: 0..<8, using: &generator)
            case 1: changed.removeLast(Int.random(in: 0...changed.count, using: &generator))
            case 2: changed += (0..<Int.random(in: 0..<80, using: &generator)).map { UInt8(truncatingIfNeeded: $0) }
            case 3 where changed.count >= 8:
                let interesting: [UInt64] = [0, 1, 255, 1 << 31, 1 << 32, 1 << 63, .max, .max - 59, .max - 35]
                let start = Int.random(in: 0...changed.count - 8, using: &generator)
                let number = interesting[Int.random(in: interesting.indices, using: &generator)]
                changed.replaceSubrange(start..<start + 8, with: withUnsafeBytes(of: number.bigEndian) { Array($0) })
            default:
                let count = Int.random(in: 0..<120, using: &generator)
                changed = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
                if Bool.random(using: &generator) { changed.replaceSubrange(0..<min(8, count), with: bytes.prefix(8)) }
            }
        }
        return changed
    }

    private func isExpected(_ error: OsnovaError?) -> Bool {
        error == nil || error?.kind == .damaged || error?.kind == .denied
    }

    @Test func `no bytes of a container make the reader fall`() throws {
        let key = try secret(noise(32, seed: 1))
        let payload = CocoonSource(Array(noise(40, seed: 2)))
        let full = try CocoonWriter(payload, cipher: .aes256gcm).bytes(key: key)
        let mini = try CocoonWriter(mini: payload).bytes(key: key)
        var generator = SeededGenerator(seed: UInt64(Self.inputs))
        var opened = 0
        for round in 0..<Self.inputs {
            let bytes = mutate(round % 2 == 0 ? full : mini, &generator)
            let outcome = failure {
                let source = CocoonSource(bytes)
                // The key is given: what a password costs would leave time for a few inputs only.
                let container =
                    try round % 2 == 0
                    ? CocoonContainer(source) : CocoonContainer(mini: source, cipher: .chacha20poly1305)
                _ = try container.payload(key: key)
                opened += 1
                // What opens is what was sealed; bytes behind it are not covered.
                #expect(bytes.starts(with: round % 2 == 0 ? full : mini))
            }
            #expect(isExpected(outcome), "\(bytes)")
        }
        #expect(opened < Self.inputs / 2)
    }

    @Test func `no bytes of a vault make the reader fall`() throws {
        var vault = KeyVault(user: "alice", master: try secret(noise(32, seed: 1)))
        try vault.derive(.ed25519, for: "a", index: 0, createdAt: 5)
        try vault.derive(.x25519, for: "b", index: 1, createdAt: 6)
        let sound = try array(vault.encoded())
        var generator = SeededGenerator(seed: UInt64(Self.inputs) + 1)
        for _ in 0..<Self.inputs {
            let bytes = mutate(sound, &generator)
            let memory = try secret(bytes)
            #expect(isExpected(failure { _ = try KeyVault(decoding: memory) }), "\(bytes)")
        }
    }
}
