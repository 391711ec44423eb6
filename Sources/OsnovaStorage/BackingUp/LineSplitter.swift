internal import Glibc

/// The lines of what comes piece by piece; one that is too long is passed over, so little memory is enough for anything.
struct LineSplitter {
    private static let newline: UInt8 = 10

    private let longest: Int
    private var line: [UInt8] = []
    private var isTooLong = false

    /// - Parameter longest: bytes that a line has at most.
    init(longest: Int) {
        self.longest = longest
    }

    /// Takes the next bytes, and calls `body` with each line that ends in them.
    mutating func add(_ piece: UnsafeRawBufferPointer, _ body: (String) -> Void) {
        var rest = piece
        while let end = Self.firstNewline(of: rest) {
            append(UnsafeRawBufferPointer(rebasing: rest[..<end]))
            finish(body)
            rest = UnsafeRawBufferPointer(rebasing: rest[(end + 1)...])
        }
        append(rest)
    }

    /// Calls `body` with the line that nothing ended, if there is one.
    mutating func finish(_ body: (String) -> Void) {
        if !isTooLong, !line.isEmpty { body(String(decoding: line, as: UTF8.self)) }
        line.removeAll(keepingCapacity: true)
        isTooLong = false
    }

    private mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if bytes.count > longest - line.count { isTooLong = true }
        if !isTooLong { line += bytes }
    }

    private static func firstNewline(of bytes: UnsafeRawBufferPointer) -> Int? {
        guard let start = bytes.baseAddress, let found = memchr(start, Int32(newline), bytes.count) else { return nil }
        return UnsafeRawPointer(found) - start
    }
}
