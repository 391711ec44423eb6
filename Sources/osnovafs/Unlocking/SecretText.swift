internal import Glibc
internal import Primitives
internal import SystemPackage

/// Passwords as files, pipes and commands deliver them.
enum SecretText {
    /// Bytes; far beyond any password, and little enough to lock in memory.
    static let longest = 64 * 1024

    /// Reads a password to the end of an open file or pipe.
    ///
    /// The line break at the end, where there is one, does not belong to it.
    static func read(_ file: OwnedDescriptor, name: String) throws -> SecretBytes {
        let buffer = try SecretScratch(count: longest + 3)
        return try withExtendedLifetime(buffer) {
            do {
                let count = try SystemCalls.readStream(file, into: buffer.bytes)
                return try password(in: UnsafeRawBufferPointer(rebasing: buffer.bytes.prefix(count)), name: name)
            } catch let error as Errno {
                throw error.failure("reading \(name)")
            }
        }
    }

    /// The password that some bytes are.
    static func password(in bytes: UnsafeRawBufferPointer, name: String) throws -> SecretBytes {
        var text = bytes[...]
        if text.last == UInt8(ascii: "\n") {
            text = text.dropLast()
            if text.last == UInt8(ascii: "\r") { text = text.dropLast() }
        }
        guard text.count <= longest else { throw tooLong(name) }
        return try SecretBytes(copying: UnsafeRawBufferPointer(rebasing: text))
    }

    static func tooLong(_ name: String) -> OsnovaError {
        OsnovaError(.denied, "the password of \(name) is longer than 64 KiB: no password is")
    }
}
