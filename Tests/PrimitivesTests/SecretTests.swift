import Glibc
import Primitives
import Testing

/// Guarded memory.
@Suite struct SecretTests {
    @Test func `a secret holds what it was given and says its size`() throws {
        for count in [0, 1, 32, 5000] {
            let content = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
            let copy = try secret(content)
            #expect(copy.count == count && open(copy) == content)
        }
    }

    @Test func `what the filling throws comes out`() {
        #expect(throws: CancellationError.self) { try SecretBytes(count: 8) { _ in throw CancellationError() } }
    }

    /// The kernel's own list of this process's memory: locked, and left out of dumps.
    @Test func `a secret's page is locked and not dumped`() throws {
        let held = try secret([UInt8](repeating: 0x5A, count: 32))
        try held.withUnsafeBytes { bytes in
            let address = UInt(bitPattern: bytes.baseAddress)
            let maps = try memoryMaps()
            var isInside = false
            var flags: Substring?
            for line in maps.split(separator: "\n") {
                let range = line.prefix { $0 != " " }.split(separator: "-")
                if range.count == 2, let low = UInt(range[0], radix: 16), let high = UInt(range[1], radix: 16) {
                    isInside = (low..<high).contains(address)
                    if isInside { #expect(line.contains(" r--"), "read-only: \(line)") }
                }
                if isInside, line.hasPrefix("VmFlags:") { flags = line }
            }
            let found = try #require(flags)
            #expect(found.contains(" dd"), "not dumped: \(found)")
            #expect(found.contains(" lo"), "locked: \(found)")
        }
    }

    /// Read to its end: Foundation takes a short read of a file in /proc for its end.
    private func memoryMaps() throws -> String {
        let file = try SystemCalls.open("/proc/self/smaps", O_RDONLY)
        var bytes = [UInt8](repeating: 0, count: 8 << 20)
        let count = try bytes.withUnsafeMutableBytes { try SystemCalls.readStream(file, into: $0) }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    @Test func `comparing in constant time is comparing`() {
        func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
            left.withUnsafeBytes { left in right.withUnsafeBytes { Sodium.constantTimeEqual(left, $0) } }
        }
        #expect(equal([1, 2, 3], [1, 2, 3]) && equal([], []))
        #expect(!equal([1, 2, 3], [1, 2, 4]) && !equal([1, 2], [1, 2, 3]))
    }

    @Test func `randomness differs and wiping wipes`() throws {
        var first = [UInt8](repeating: 0, count: 64)
        var second = first
        try first.withUnsafeMutableBytes { try Sodium.randomize($0) }
        try second.withUnsafeMutableBytes { try Sodium.randomize($0) }
        #expect(first != second)
        first.withUnsafeMutableBytes { Sodium.wipe($0) }
        #expect(first == [UInt8](repeating: 0, count: 64))
    }
}
