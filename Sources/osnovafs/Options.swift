internal import ArgumentParser
internal import Foundation
internal import Keyring
internal import OsnovaStorage
internal import Primitives
internal import SystemPackage

/// Which data root, and how results are written: options of every command.
struct StoreOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The data root.", valueName: "dir"))
    var dataRoot: PathArgument?

    @Flag(help: "Write one JSON document to standard output.")
    var json = false

    var root: DataRoot {
        get throws {
            try DataRoot.resolve(dataRoot?.path.string, environment: ProcessInfo.processInfo.environment)
        }
    }

    /// Opens the store for work that touches no content.
    func open() throws -> Store {
        try Store.open(at: root, keys: nil)
    }

    /// Opens the store with its keys.
    func open(_ unlocking: UnlockingOptions) throws -> Store {
        try Store.open(at: root, keys: KeyHierarchy(phrase: unlocking.phrase()))
    }
}

/// How a store is unlocked.
struct UnlockingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A file that holds the recovery phrase.", valueName: "file"))
    var phraseFile: PathArgument?

    /// The phrase, from the first source that is given.
    func phrase() throws -> RecoveryPhrase {
        guard let phraseFile else {
            throw OsnovaError(.denied, "this needs the store's phrase: give --phrase-file FILE")
        }
        return try PhraseFile.read(phraseFile.path)
    }
}

/// A file that holds a recovery phrase.
enum PhraseFile {
    /// More than any phrase needs, and little enough to read from whatever is named.
    private static let limit = 64 * 1024

    static func read(_ path: FilePath) throws -> RecoveryPhrase {
        let file: OwnedDescriptor
        do {
            file = OwnedDescriptor(try FileDescriptor.open(path, .readOnly, options: .closeOnExec))
        } catch let error as Errno {
            throw error.failure("reading the phrase file \(path.string)")
        }
        return try read(file, name: "the phrase file \(path.string)")
    }

    /// Reads a phrase from an open file or pipe, to its end.
    static func read(_ file: OwnedDescriptor, name: String) throws -> RecoveryPhrase {
        let buffer = try SecretScratch(count: limit)
        return try withExtendedLifetime(buffer) {
            do {
                let count = try SystemCalls.readStream(file, into: buffer.bytes)
                return try RecoveryPhrase(parsing: UnsafeRawBufferPointer(rebasing: buffer.bytes.prefix(count)))
            } catch let error as Errno {
                throw error.failure("reading \(name)")
            }
        }
    }
}
