internal import Foundation
internal import Glibc
internal import OsnovaStorage
internal import Primitives
internal import SystemPackage

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
        sayOnError("osnovafs: " + harmless(message))
    }

    /// A message with the names of whatever files, which must not steer a terminal: control characters, and the bytes of
    /// an argument that are no UTF-8, are `%XX`, as in a backup's manifest.
    static func harmless(_ message: String) -> String {
        var text = String.UnicodeScalarView()
        for scalar in message.unicodeScalars {
            guard scalar.properties.generalCategory == .control || Arguments.isEscape(scalar) else {
                text.append(scalar)
                continue
            }
            for byte in Arguments.encode(String(scalar)) {
                text.append(contentsOf: "%\(Hexadecimal.string([byte]))".unicodeScalars)
            }
        }
        return String(text)
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

    /// Writes bytes to a descriptor; ends the program, and says why, where results cannot be written.
    static func write(_ bytes: [UInt8], to descriptor: Int32) {
        bytes.withUnsafeBytes { write($0, to: descriptor) }
    }

    /// Does what the other does, with bytes that must not be copied.
    static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) {
        var done = 0
        while done < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done)
            if count >= 0 {
                done += count
                continue
            }
            let error = Errno(rawValue: errno)
            switch error {
            case .interrupted: continue
            case .wouldBlock: SystemCalls.waitUntilWritable(descriptor)
            case _ where descriptor == STDERR_FILENO: return
            default: end(after: error)
            }
        }
    }

    private static func end(after error: Errno) -> Never {
        // Who reads no further, as `head` does, wants to hear nothing of it.
        if error != .brokenPipe { complain(error.failure("writing standard output").message) }
        UnfinishedWork.removeAll()
        exit(ExitStatus.code(for: .inputOutput))
    }
}
