internal import Foundation
internal import Glibc
internal import Primitives

/// What people and scripts read: results on standard output, everything else on standard error.
enum Terminal {
    /// Writes one line of result.
    static func say(_ line: String) {
        write(Array(line.utf8) + [UInt8(ascii: "\n")], to: STDOUT_FILENO)
    }

    /// Writes one line of result that holds a path, as bytes.
    static func say(_ line: [UInt8]) {
        write(line + [UInt8(ascii: "\n")], to: STDOUT_FILENO)
    }

    /// Writes one line to standard error as it is.
    static func sayOnError(_ line: String) {
        write(Array(line.utf8) + [UInt8(ascii: "\n")], to: STDERR_FILENO)
    }

    /// Says what went wrong, in one line.
    static func complain(_ message: String) {
        sayOnError("osnovafs: " + message.replacing("\n", with: " "))
    }

    /// Writes one JSON document: snake_case keys, sorted, so that the same result is the same text.
    static func sayJSON(_ value: some Encodable) throws {
        say(Array(try json(value)))
    }

    /// The document that `sayJSON` writes.
    static func json(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value)
    }

    /// Writes bytes to a descriptor; ends the program where nobody can read them any more.
    static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                if descriptor == STDERR_FILENO { return }
                exit(ExitStatus.code(for: .inputOutput))
            }
            rest = rest.dropFirst(count)
        }
    }
}
