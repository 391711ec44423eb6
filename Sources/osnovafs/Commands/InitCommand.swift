internal import ArgumentParser
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

            A password, where one is given, opens the data root from day to day; the phrase brings everything back \
            when the password is lost.
            """)

    @OptionGroup var store: StoreOptions
    @OptionGroup var unlocking: UnlockingOptions

    @Flag(help: "Ask for a password on the terminal.")
    var askPassword = false

    @Flag(help: "Compress new content that shrinks; see 'osnovafs help compression'.")
    var compress = false

    @Option(help: ArgumentHelp("Write the new phrase to a new file (0600) instead of showing it.", valueName: "file"))
    var phraseOut: PathArgument?

    @Option(help: ArgumentHelp("How many words the new phrase has: 12 or 24.", valueName: "count"))
    var words = 12

    private struct Outcome: Encodable {
        let dataRoot: String
        let keyFingerprint: String
        let user: String?
    }

    func validate() throws {
        guard unlocking.phraseFile == nil || phraseOut == nil else {
            throw ValidationError("--phrase-out is for a new phrase; --phrase-file gives one.")
        }
        guard RecoveryPhrase.generatedCounts.contains(words) else {
            throw ValidationError("A new phrase has 12 or 24 words.")
        }
    }

    func run() throws {
        let root = try store.root
        let identity = try unlocking.identity.file(in: root)
        try refuseExisting(root, identity)
        let password = try newPassword()
        let phrase = try unlocking.phraseFile.map { try PhraseFile.read($0.path) } ?? .generate(words: words)
        let keys = try KeyHierarchy(phrase: phrase)
        // The phrase is safe before anything is sealed under it.
        if let phraseOut {
            try PhraseFile.write(phrase, to: phraseOut)
        } else if unlocking.phraseFile == nil {
            try NewPhrase.show(phrase, "The recovery phrase of this store.")
        }
        do {
            try Store.create(at: root, keys: keys, compressing: compress)
        } catch {
            throw opensNothing(keys, root) ? disown(Program.wording(of: error)) : error
        }
        if let password {
            let vault = KeyVault(user: identity.user.name, master: keys.master)
            try identity.save(vault, password: password, replacing: false)
        }
        try tell(root, keys, user: password == nil ? nil : identity.user.name)
    }

    /// A vault without its database may be all that is left of a store.
    private func refuseExisting(_ root: DataRoot, _ identity: IdentityFile) throws {
        guard !root.hasDatabase else {
            throw OsnovaError(.cannotCreate, "\(root.path) is a data root already: nothing was changed")
        }
        guard !identity.exists else {
            throw OsnovaError(.cannotCreate, "\(identity.path) is there already: move it away first")
        }
    }

    /// Whether there is no store, or the one of another init that was faster.
    private func opensNothing(_ keys: KeyHierarchy, _ root: DataRoot) -> Bool {
        guard root.hasDatabase else { return true }
        do {
            try Store.open(at: root, keys: keys).close()
            return false
        } catch {
            return (error as? OsnovaError)?.kind == .denied
        }
    }

    /// A new phrase that opens nothing must not pass for one that does.
    private func disown(_ error: OsnovaError) -> OsnovaError {
        guard unlocking.phraseFile == nil else { return error }
        guard let phraseOut else {
            return OsnovaError(error.kind, "\(error.message); the phrase above opens nothing: forget it")
        }
        _ = phraseOut.path.withPlatformString { unlink($0) }
        return error
    }

    private func newPassword() throws -> SecretBytes? {
        if let source = unlocking.password.given { return try NewPassword.read(source) }
        guard askPassword else { return nil }
        return try NewPassword.ask(
            "New password", otherwise: "--ask-password needs a terminal: give --password-file FILE")
    }

    private func tell(_ root: DataRoot, _ keys: KeyHierarchy, user: String?) throws {
        guard store.json else { return Terminal.say("made the data root \(root.path)") }
        let fingerprint = Hexadecimal.string(keys.fingerprint.prefix(8))
        try Terminal.sayJSON(Outcome(dataRoot: root.path, keyFingerprint: fingerprint, user: user))
    }
}
