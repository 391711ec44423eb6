internal import Glibc
internal import Primitives
internal import SystemPackage

/// What of a file differs from an older file: a database that changed a little costs a little.
///
/// `osnova-delta 1\n`, u64le bytes of the new file, then runs: u64le offset, u32le count, the bytes. Beyond its end the
/// older file counts as zeros.
enum DatabaseDelta {
    private static let magic = Array("osnova-delta 1\n".utf8)
    private static let pageSize = 4096
    /// Equal bytes that end a run: fewer cost less than the head of another run.
    private static let gap = 12

    /// Writes the difference between two files.
    static func write(
        from old: OwnedDescriptor, to new: OwnedDescriptor, size: Int64,
        _ output: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        try (magic + bytes(UInt64(size))).withUnsafeBytes { try output($0) }
        let before = ScratchBuffer(count: pageSize)
        let after = ScratchBuffer(count: pageSize)
        for offset in stride(from: Int64(0), to: size, by: Int64.Stride(pageSize)) {
            let count = try SystemCalls.read(new, into: after.bytes, at: offset)
            let known = try SystemCalls.read(old, into: before.bytes, at: offset)
            for index in min(known, count)..<count { before.bytes[index] = 0 }
            for run in runs(before.bytes, after.bytes, count: count) {
                let head = bytes(UInt64(offset) + UInt64(run.lowerBound)) + bytes(UInt32(run.count))
                try head.withUnsafeBytes { try output($0) }
                try output(UnsafeRawBufferPointer(rebasing: after.bytes[run]))
            }
        }
    }

    private static func runs(
        _ before: UnsafeMutableRawBufferPointer, _ after: UnsafeMutableRawBufferPointer, count: Int
    ) -> [Range<Int>] {
        guard let old = before.baseAddress, let new = after.baseAddress, memcmp(old, new, count) != 0 else { return [] }
        var found: [Range<Int>] = []
        for index in 0..<count where before[index] != after[index] {
            if let last = found.last, index - last.upperBound < gap {
                found[found.count - 1] = last.lowerBound..<index + 1
            } else {
                found.append(index..<index + 1)
            }
        }
        return found
    }

    /// Whether a file of a size may come of an older one and a difference: a page beyond the end of the older one costs
    /// the difference a byte at least.
    static func isPlausible(size: Int64, whole: Int64, delta: Int64) -> Bool {
        (max(0, size) - max(0, whole)) / Int64(pageSize) <= delta
    }

    /// Makes of an older file, which `target` holds already, the new one.
    ///
    /// - Parameter expected: bytes of the new file.
    /// - Throws: `damaged` for what is no delta; the caller checks the SHA-256 of the result.
    static func apply(_ delta: OwnedDescriptor, to target: OwnedDescriptor, size expected: Int64) throws {
        let damage = OsnovaError.damaged("the difference of a database is malformed")
        var offset: Int64 = 0
        func take(_ count: Int) throws -> [UInt8] {
            var piece = [UInt8](repeating: 0, count: count)
            let got = try piece.withUnsafeMutableBytes { try SystemCalls.read(delta, into: $0, at: offset) }
            offset += Int64(got)
            return Array(piece.prefix(got))
        }
        guard try take(magic.count) == magic, let size = Int64(exactly: number(try take(8))), size >= 0,
            size == expected, ftruncate(target.number, off_t(size)) == 0
        else { throw damage }
        while true {
            let head = try take(12)
            if head.isEmpty { return }
            let count = Int(number(Array(head.suffix(4))))
            guard head.count == 12, count <= pageSize, let start = Int64(exactly: number(Array(head.prefix(8)))),
                start <= size - Int64(count)
            else { throw damage }
            let run = try take(count)
            guard run.count == count else { throw damage }
            try run.withUnsafeBytes { try SystemCalls.write(target, $0, at: start) }
        }
    }

    private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    private static func number(_ bytes: [UInt8]) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
