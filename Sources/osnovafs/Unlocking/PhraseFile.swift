internal import Glibc
internal import Keyring
internal import Primitives
internal import SystemPackage

/// A file that holds a recovery phrase.
enum PhraseFile {
    /// More than any phrase needs, and little enough to read from whatever is named.
    private static let limit = 64 * 1024

    /// Reads a phrase.
    static func read(_ path: FilePath) throws -> RecoveryPhrase {
        do {
            let file = OwnedDescriptor(try FileDescriptor.open(path, .readOnly, options: .closeOnExec))
            let buffer = try SecretScratch(count: limit)
            return try withExtendedLifetime(buffer) {
                let count = try SystemCalls.readStream(file, into: buffer.bytes)
                return try RecoveryPhrase(parsing: UnsafeRawBufferPointer(rebasing: buffer.bytes.prefix(count)))
            }
        } catch let error as Errno {
            throw error.failure("reading the phrase file \(path.string)")
        }
    }

    /// Asks a person for a phrase.
    ///
    /// - Parameter otherwise: what is said where there is no terminal.
    static func ask(
        _ question: String = "Recovery phrase",
        otherwise: String = "nobody can be asked for the phrase here: give --phrase-file FILE"
    ) throws -> RecoveryPhrase {
        guard let terminal = TerminalPrompt.find() else { throw OsnovaError(.denied, otherwise) }
        return try terminal.ask(question).withUnsafeBytes { try RecoveryPhrase(parsing: $0) }
    }

    /// Writes a new phrase to a new file, 0600 and on the disk when this returns; what fails leaves no file.
    static func write(_ phrase: RecoveryPhrase, to argument: PathArgument) throws {
        let path = argument.path
        // A `FilePath` does without the slash, and a file of that name would be made.
        guard !argument.argument.hasSuffix("/") else {
            throw OsnovaError(.cannotCreate, "writing the phrase to \(argument.argument): name a file")
        }
        do {
            let file = OwnedDescriptor(
                try FileDescriptor.open(
                    path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec], permissions: .ownerReadWrite))
            do {
                try fill(file, with: phrase)
                // It may be the only copy: its name must be as durable as its content.
                try synchronizeFolder(of: path)
            } catch {
                _ = path.withPlatformString { unlink($0) }
                throw error
            }
        } catch let error as Errno {
            throw error.failure("writing the phrase to \(path.string)", kind: .cannotCreate)
        }
    }

    private static func fill(_ file: OwnedDescriptor, with phrase: RecoveryPhrase) throws {
        try phrase.withUnsafeBytes { try SystemCalls.write(file, $0) }
        try [UInt8(ascii: "\n")].withUnsafeBytes { try SystemCalls.write(file, $0) }
        try SystemCalls.synchronize(file)
    }

    private static func synchronizeFolder(of path: FilePath) throws {
        let parent = path.removingLastComponent()
        do {
            let folder = try FileDescriptor.open(
                parent.isEmpty ? "." : parent, .readOnly, options: [.directory, .closeOnExec])
            try SystemCalls.synchronize(OwnedDescriptor(folder))
        } catch Errno.permissionDenied, Errno.invalidArgument {
            // A folder that may be written to and not read, or a disk that synchronizes no directories.
        }
    }
}
