internal import CSodium

/// A secret in guarded memory: locked against swapping, left out of core dumps, between guard pages,
/// read-only once filled, and wiped when the last reference goes.
///
/// `@unchecked Sendable` holds because the memory is written only before `init` returns.
public final class SecretBytes: @unchecked Sendable {
    private let memory: UnsafeMutableRawPointer
    /// The number of bytes.
    public let count: Int

    /// Allocates `count` bytes and lets `fill` write them; nothing can write them afterwards.
    ///
    /// - Throws: what `fill` throws, and `unavailable` where the system grants no locked memory.
    public init(count: Int, fill: (UnsafeMutableRawBufferPointer) throws -> Void) throws {
        try Sodium.start()
        guard count >= 0, let memory = sodium_malloc(max(count, 1)) else {
            throw OsnovaError(.unavailable, "no locked memory for keys: raise the limit (ulimit -l)")
        }
        self.memory = memory
        self.count = count
        // All is initialized: where this throws, `deinit` frees the memory.
        try fill(UnsafeMutableRawBufferPointer(start: memory, count: count))
        sodium_mprotect_readonly(memory)
    }

    deinit { sodium_free(memory) }

    /// Copies bytes into guarded memory; wiping the source stays with the caller.
    public convenience init(copying bytes: UnsafeRawBufferPointer) throws {
        try self.init(count: bytes.count) { $0.copyMemory(from: bytes) }
    }

    /// Calls `body` with the secret; the pointer must not escape.
    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(self) { try body(UnsafeRawBufferPointer(start: memory, count: count)) }
    }
}

/// Guarded memory that one thread fills again and again: keys that change from one operation to the next.
public final class SecretScratch {
    /// The memory; wiped when this object goes, which may be right after the last use of the object itself.
    public let bytes: UnsafeMutableRawBufferPointer

    /// Allocates `count` bytes of guarded memory.
    ///
    /// - Throws: `unavailable` where the system grants no locked memory.
    public init(count: Int) throws {
        try Sodium.start()
        guard count > 0, let memory = sodium_malloc(count) else {
            throw OsnovaError(.unavailable, "no locked memory for keys: raise the limit (ulimit -l)")
        }
        bytes = UnsafeMutableRawBufferPointer(start: memory, count: count)
    }

    deinit { sodium_free(bytes.baseAddress) }
}

/// libsodium's process-wide services.
public enum Sodium {
    private static let started: Bool = sodium_init() >= 0

    /// Readies the library; cheap after the first call.
    ///
    /// - Throws: `unavailable` where it cannot start (no source of randomness).
    static func start() throws {
        guard started else { throw OsnovaError(.unavailable, "libsodium does not start on this machine") }
    }

    /// Whether this process may lock memory against swapping at all; without it secrets are still guarded and wiped.
    public static let locksMemory: Bool = {
        var page = [UInt8](repeating: 0, count: 64)
        return page.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress, sodium_mlock(start, bytes.count) == 0 else { return false }
            return sodium_munlock(start, bytes.count) == 0
        }
    }()

    /// Fills memory from the operating system's generator.
    public static func randomize(_ bytes: UnsafeMutableRawBufferPointer) throws {
        try start()
        guard let start = bytes.baseAddress else { return }
        randombytes_buf(start, bytes.count)
    }

    /// Compares in a time that depends on the length alone.
    public static func constantTimeEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        guard left.count == right.count else { return false }
        guard let left = left.baseAddress, let rightStart = right.baseAddress else { return true }
        return sodium_memcmp(left, rightStart, right.count) == 0
    }

    /// Overwrites memory in a way that the optimiser keeps.
    public static func wipe(_ bytes: UnsafeMutableRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        sodium_memzero(start, bytes.count)
    }
}
