internal import ArgumentParser
internal import Glibc
internal import Primitives
internal import SystemPackage

/// The program's arguments.
///
/// Paths are bytes on Linux and Swift's strings are Unicode: a byte that is no UTF-8 travels as a private character,
/// and `PathArgument` turns it back.
enum Arguments {
    /// Its last byte is the one that is no UTF-8.
    private static let escapeBase: UInt32 = 0x10FF00

    /// The arguments after the program's name.
    ///
    /// - Throws: `unavailable` without `/proc`, where Swift reads them.
    static func given() throws -> [String] {
        let count = Int(CommandLine.argc)
        guard count > 0 else {
            throw OsnovaError(
                .unavailable,
                "the arguments cannot be read, nothing was done: mount /proc with 'mount -t proc proc /proc'")
        }
        return (1..<count).compactMap { index in
            CommandLine.unsafeArgv[index].map { decode(UnsafePointer($0)) }
        }
    }

    static func decode(_ argument: UnsafePointer<CChar>) -> String {
        if let sound = String(validatingCString: argument), !sound.unicodeScalars.contains(where: isEscape) {
            return sound
        }
        var text = String.UnicodeScalarView()
        // Not by way of a `FilePath`, which joins slashes.
        var rest = Array(UnsafeRawBufferPointer(start: argument, count: strlen(argument)))[...]
        while let first = rest.first {
            let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
            // A private character that was given itself must not pass for the byte that it would stand for.
            if let character = String(validating: rest.prefix(length), as: UTF8.self),
                !character.unicodeScalars.contains(where: isEscape)
            {
                text.append(contentsOf: character.unicodeScalars)
                rest = rest.dropFirst(length)
            } else {
                if let scalar = Unicode.Scalar(escapeBase + UInt32(first)) { text.append(scalar) }
                rest = rest.dropFirst()
            }
        }
        return String(text)
    }

    static func encode(_ text: String) -> [UInt8] {
        text.unicodeScalars.flatMap { scalar -> [UInt8] in
            isEscape(scalar) ? [UInt8(truncatingIfNeeded: scalar.value)] : Array(String(scalar).utf8)
        }
    }

    /// An argument that is text, for the transformation of a string.
    ///
    /// - Throws: a usage error for what is no UTF-8.
    static func text(_ argument: String) throws -> String {
        guard let text = String(validating: encode(argument), as: UTF8.self) else {
            throw ValidationError("It is not UTF-8, as it must be here.")
        }
        return text
    }

    /// Whether a character stands for a byte of an argument that is no UTF-8.
    static func isEscape(_ scalar: Unicode.Scalar) -> Bool { scalar.value & ~0xFF == escapeBase }

    /// A C string of its own; the caller deallocates it.
    static func duplicate(_ bytes: [UInt8]) -> UnsafeMutablePointer<CChar>? {
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
        for (index, byte) in bytes.enumerated() { copy[index] = CChar(bitPattern: byte) }
        copy[bytes.count] = 0
        return copy
    }
}

/// A path as an argument: bytes, not Unicode.
struct PathArgument: ExpressibleByArgument {
    let path: FilePath
    /// As it was given: a `FilePath` joins slashes.
    let argument: String

    init?(argument: String) {
        self.argument = argument
        let bytes = Arguments.encode(argument).map { CChar(bitPattern: $0) }
        guard !bytes.isEmpty, !bytes.contains(0) else { return nil }
        path = (bytes + [0]).withUnsafeBufferPointer { buffer in
            buffer.baseAddress.map { FilePath(platformString: $0) } ?? FilePath()
        }
    }

    /// Whether the argument means standard input or output.
    var isStandardStream: Bool { path == "-" }

    /// Whether there is something at the path.
    var isThere: Bool { path.withPlatformString { access($0, F_OK) } == 0 }
}

/// One of a few words as an argument.
enum Choice {
    static func of<Value>(_ word: String, among values: [Value], named name: (Value) -> String) throws -> Value {
        guard let value = values.first(where: { name($0) == word }) else {
            throw ValidationError("'\(word)' is none of \(values.map(name).joined(separator: ", ")).")
        }
        return value
    }
}
