internal import ArgumentParser
internal import Foundation
internal import Glibc
internal import Keyring
internal import OsnovaStorage
internal import Primitives
internal import SystemPackage

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make a data root.",
        discussion: """
            Without --phrase-file a phrase of 12 words is made and shown once: write it down, it opens everything and \
            nobody can make it again.
            """)

    @OptionGroup var store: StoreOptions
    @OptionGroup var unlocking: UnlockingOptions

    @Option(help: ArgumentHelp("Write the new phrase to a new file (0600) instead of showing it.", valueName: "file"))
    var phraseOut: PathArgument?

    private struct Outcome: Encodable {
        let dataRoot: String
        let keyFingerprint: String
    }

    func validate() throws {
        guard unlocking.phraseFile == nil || phraseOut == nil else {
            throw ValidationError("--phrase-out is for a new phrase; --phrase-file gives one.")
        }
    }

    func run() throws {
        let root = try store.root
        guard access(root.database, F_OK) != 0 else {
            throw OsnovaError(.cannotCreate, "\(root.path) is a data root already: nothing was changed")
        }
        let isNew = unlocking.phraseFile == nil
        let phrase = try isNew ? RecoveryPhrase.generate(words: 12) : unlocking.phrase()
        let keys = try KeyHierarchy(phrase: phrase)
        // The phrase is safe before anything is sealed under it.
        if isNew, let phraseOut { try write(phrase, to: phraseOut.path) }
        try Store.create(at: root, keys: keys)
        if isNew, phraseOut == nil { show(phrase) }
        if store.json {
            try Terminal.sayJSON(
                Outcome(dataRoot: root.path, keyFingerprint: Hexadecimal.string(keys.fingerprint.prefix(8))))
        } else {
            Terminal.say("made the data root \(root.path)")
        }
    }

    private func write(_ phrase: RecoveryPhrase, to path: FilePath) throws {
        do {
            let file = OwnedDescriptor(
                try FileDescriptor.open(
                    path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec], permissions: .ownerReadWrite))
            try phrase.withUnsafeBytes { try SystemCalls.write(file, $0) }
            try [UInt8(ascii: "\n")].withUnsafeBytes { try SystemCalls.write(file, $0) }
            try SystemCalls.synchronize(file)
        } catch let error as Errno {
            throw error.failure("writing the phrase to \(path.string)", kind: .cannotCreate)
        }
    }

    private func show(_ phrase: RecoveryPhrase) {
        Terminal.sayOnError("The recovery phrase of this store. Write it down: it is shown only now.\n")
        phrase.withUnsafeBytes { words in
            _ = Glibc.write(STDERR_FILENO, "    ", 4)
            _ = Glibc.write(STDERR_FILENO, words.baseAddress, words.count)
            _ = Glibc.write(STDERR_FILENO, "\n\n", 2)
        }
    }
}
