import Foundation
import Primitives
import Synchronization
import TestSupport
import Testing

/// SHA-256 of several threads at once against that of each alone.
@Suite struct DigestGroupTests {
    /// Runs `body` on threads of its own, which may wait for each other, and waits for all.
    private func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
        let failure = Mutex<(any Error)?>(nil)
        let threads = try (0..<count).map { number in
            try JoinableThread {
                do { try body(number) } catch { failure.withLock { $0 = error } }
            }
        }
        for thread in threads { thread.join() }
        if let error = failure.withLock({ $0 }) { throw error }
    }

    private func digest(
        of message: [UInt8], in group: DigestGroup, pieces: () -> Int
    ) throws -> ContentID {
        let digest = try SHA256()
        group.join(Int64(message.count))
        defer { group.leave(Int64(message.count)) }
        message.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = rest.prefix(max(1, pieces()))
                group.update(digest, UnsafeRawBufferPointer(rebasing: piece))
                rest = rest.dropFirst(piece.count)
            }
        }
        return try digest.finish()
    }

    @Test(arguments: [1, 2, 3, 8], [1, 2, 3])
    func `threads in a group find what each finds alone`(threads: Int, cores: Int) throws {
        let group = DigestGroup(cores: cores, leastCount: 256)
        try onThreads(threads) { number in
            var random = SeededGenerator(seed: UInt64(number))
            for round in 0..<60 {
                let message = [UInt8](
                    noise(Int.random(in: 0...20_000, using: &random), seed: UInt64(number * 100 + round)))
                // As an audit does, and, in every other round, so that a piece begins in the middle of a block.
                let unit = round % 2 == 0 ? 64 : 1
                let found = try digest(of: message, in: group) { unit * Int.random(in: 1...100, using: &random) }
                let alone = try message.withUnsafeBytes { try SHA256.digest($0) }
                #expect(found == alone)
            }
        }
    }

    @Test func `messages beyond 2³² bits are counted whole`() throws {
        // The context counts bits in two words.
        let piece = [UInt8](noise(8 << 20, seed: 1))
        let alone = try SHA256()
        for _ in 0..<66 { piece.withUnsafeBytes { alone.update($0) } }
        let expected = try alone.finish()
        let group = DigestGroup(cores: 1)
        try onThreads(2) { _ in
            let digest = try SHA256()
            group.join(66 * 8 << 20)
            for _ in 0..<66 { piece.withUnsafeBytes { group.update(digest, $0) } }
            group.leave(66 * 8 << 20)
            let found = try digest.finish()
            #expect(found == expected)
        }
    }

    @Test func `nobody waits for who gave up, or has less than is worth a wait`() throws {
        let group = DigestGroup(cores: 1, leastCount: 1000)
        let message = [UInt8](noise(100_000, seed: 3))
        let expected = try message.withUnsafeBytes { try SHA256.digest($0) }
        try onThreads(6) { number in
            for _ in 0..<200 {
                if number % 3 == 0 {
                    // Joined, and then failed before its first piece.
                    group.join(100_000)
                    group.leave(100_000)
                } else {
                    let size = number % 3 == 1 ? 999 : 64_000
                    let found = try digest(of: message, in: group) { size }
                    #expect(found == expected)
                }
            }
        }
    }
}
