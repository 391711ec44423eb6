internal import ArgumentParser
internal import Catalog
internal import Glibc
internal import Keyring
internal import OsnovaStorage
internal import Primitives
internal import SystemPackage

/// Where the new phrase of a rekey comes from.
struct RekeyPhraseOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A file that holds the new phrase.", valueName: "file"))
    var newPhraseFile: PathArgument?

    @Option(help: ArgumentHelp("Write the new phrase to a new file (0600) instead of showing it.", valueName: "file"))
    var phraseOut: PathArgument?

    @Option(help: ArgumentHelp("How many words the new phrase has: 12 or 24.", valueName: "count"))
    var words = 12

    @Flag(help: "Take back a rekey that is not finished: everything is sealed under the old key again.")
    var undo = false

    func validate() throws {
        guard [newPhraseFile != nil, phraseOut != nil, undo].filter({ $0 }).count <= 1 else {
            throw ValidationError("Give one of --new-phrase-file, --phrase-out and --undo.")
        }
        guard RecoveryPhrase.generatedCounts.contains(words) else {
            throw ValidationError("A new phrase has 12 or 24 words.")
        }
    }

    /// The key that all contents are to get; whoever calls has it at hand, or has it now.
    func keys(_ generations: KeyGenerations, holder: KeyHierarchy) throws -> KeyHierarchy {
        if undo { return try oldKeys(generations, holder) }
        if let newPhraseFile { return try KeyHierarchy(phrase: PhraseFile.read(newPhraseFile.path)) }
        guard let target = generations.target else { return try KeyHierarchy(phrase: make()) }
        if target.fingerprint == holder.fingerprint { return holder }
        return try KeyHierarchy(phrase: knownPhrase())
    }

    private func oldKeys(_ generations: KeyGenerations, _ holder: KeyHierarchy) throws -> KeyHierarchy {
        guard !generations.rekey.isEmpty else {
            throw OsnovaError(.usage, "no rekey is under way: there is nothing to take back")
        }
        guard generations.fingerprint == holder.fingerprint else {
            throw OsnovaError(.denied, "--undo needs the phrase that the store had before, by --phrase-file FILE")
        }
        return holder
    }

    private func make() throws -> RecoveryPhrase {
        let phrase = try RecoveryPhrase.generate(words: words)
        // The phrase is safe before anything is sealed under it.
        guard let phraseOut else {
            try NewPhrase.show(phrase, "The new recovery phrase of this store.")
            return phrase
        }
        guard !phraseOut.isThere else {
            throw OsnovaError(
                .cannotCreate,
                "\(phraseOut.path.string) is there already: name another file, or take it by --new-phrase-file")
        }
        try PhraseFile.write(phrase, to: phraseOut)
        return phrase
    }

    /// The phrase of the rekey that is under way, from whoever has it.
    private func knownPhrase() throws -> RecoveryPhrase {
        if let phraseOut, phraseOut.isThere { return try PhraseFile.read(phraseOut.path) }
        return try PhraseFile.ask(
            "New recovery phrase, as it was shown when the rekey began",
            otherwise: "a rekey is under way: give its new phrase by --new-phrase-file FILE, or take it back by --undo")
    }
}

/// Whose password is to open the store after a rekey too.
struct RekeyVaultOptions: ParsableArguments {
    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("A further user, and a file that holds his password.", valueName: "user-id=file"))
    var vault: [VaultArgument] = []

    @Flag(help: "Go on without the password of users who have one: it opens nothing afterwards.")
    var leaveVaults = false

    /// The vaults that can be opened.
    ///
    /// - Throws: `denied` where a user's cannot, unless it is to be left.
    func collect(_ opened: RekeyStore, _ unlocking: UnlockingOptions) throws -> RekeyVaults {
        var vaults = RekeyVaults(store: opened.store)
        let own = try unlocking.identity.file(in: opened.store.root)
        if let password = try opened.password ?? givenPassword(own, unlocking) {
            try vaults.take(own.user, password: password)
        }
        for argument in vault {
            try vaults.take(UserID(argument.user), password: NewPassword.read(.file(argument.file.path)))
        }
        let left = try vaults.untaken().map(\.name)
        guard left.isEmpty || leaveVaults else {
            throw OsnovaError(
                .denied,
                "the password of \(left.joined(separator: ", ")) would open nothing afterwards: give it by "
                    + "--vault USER=FILE, or go on by --leave-vaults")
        }
        return vaults
    }

    /// The password of who gave the phrase.
    private func givenPassword(_ own: IdentityFile, _ unlocking: UnlockingOptions) throws -> SecretBytes? {
        guard own.exists, !vault.contains(where: { $0.user == own.user.name }) else { return nil }
        if leaveVaults, unlocking.password.given == nil { return nil }
        let sealed = try own.sealed()
        return try unlocking.password.unlock(
            asking: "Password of \(own.user.name)",
            otherwise: "the password of \(own.user.name) would open nothing afterwards: give it too, by "
                + "--password-file FILE, or go on by --leave-vaults"
        ) { password in
            _ = try sealed.open(password: password)
            return password
        }
    }
}

/// `USER=FILE` as an argument.
struct VaultArgument: ExpressibleByArgument {
    let user: String
    let file: PathArgument

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, let user = try? Arguments.text(String(parts[0])),
            let file = PathArgument(argument: String(parts[1]))
        else { return nil }
        self.user = user
        self.file = file
    }
}

/// A store that is opened for a rekey.
struct RekeyStore {
    let store: Store
    let keys: KeyHierarchy
    /// What opened the user's vault; nil where a phrase opened the store.
    let password: SecretBytes?
}

extension StoreOptions {
    /// Opens the store, and keeps the password where it was one.
    func openForRekey(_ unlocking: UnlockingOptions) throws -> RekeyStore {
        let root = try root
        if unlocking.phraseFile != nil {
            let keys = try unlocking.keys(of: root)
            return RekeyStore(store: try Store.open(at: root, keys: keys), keys: keys, password: nil)
        }
        return try unlocking.withPassword(of: root) { vault, password in
            let keys = try KeyHierarchy(master: vault.master)
            return RekeyStore(store: try Store.open(at: root, keys: keys), keys: keys, password: password)
        }
    }
}
