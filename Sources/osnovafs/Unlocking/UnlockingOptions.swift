internal import ArgumentParser
internal import Keyring
internal import OsnovaStorage
internal import Primitives

/// How a store is unlocked: by its phrase, or by the password of one of its users.
struct UnlockingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A file that holds the recovery phrase.", valueName: "file"))
    var phraseFile: PathArgument?

    @OptionGroup var password: PasswordOptions

    @OptionGroup var identity: IdentityOptions

    /// The store's keys, from the first source that is given.
    func keys(of root: DataRoot) throws -> KeyHierarchy {
        if let phraseFile { return try KeyHierarchy(phrase: PhraseFile.read(phraseFile.path)) }
        return try KeyHierarchy(master: vault(of: root).master)
    }

    /// The user's vault, opened by a password.
    ///
    /// - Parameter orPhrase: whether the command takes the phrase as well, which is then said to who gives neither.
    func vault(of root: DataRoot, orPhrase: Bool = true) throws -> KeyVault {
        try withPassword(of: root, orPhrase: orPhrase) { vault, _ in vault }
    }

    /// Calls `body` with the user's vault and the password that opens it.
    func withPassword<Result>(
        of root: DataRoot, orPhrase: Bool = true, _ body: (KeyVault, SecretBytes) throws -> Result
    ) throws -> Result {
        let file = try identity.file(in: root)
        try root.requireDatabase()
        guard !orPhrase || file.exists || password.given != nil else {
            throw OsnovaError(.denied, "this needs the store's phrase: give --phrase-file FILE")
        }
        // What is wrong with the file is said before anybody is asked.
        let sealed = try file.sealed()
        let (vault, password) = try password.unlock(
            asking: "Password of \(file.user.name)",
            otherwise: "this needs a password: give --password-file FILE"
                + (orPhrase ? ", or the phrase by --phrase-file FILE" : "")
        ) { (try sealed.open(password: $0), $0) }
        return try body(vault, password)
    }
}

/// Which user of the data root is meant.
struct IdentityOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The user of the data root whose password it is (default: \(UserID.ordinary.name)).", valueName: "user-id"),
        transform: Arguments.text)
    var user = UserID.ordinary.name

    /// The user's vault, which need not exist.
    func file(in root: DataRoot) throws -> IdentityFile {
        IdentityFile(root: root, user: try UserID(user))
    }
}

extension UnlockingOptions {
    /// For commands that write the vault, which only the password can seal.
    func refusePhrase(_ instead: String) throws {
        guard phraseFile == nil else {
            throw ValidationError("--phrase-file does not go here: this needs the password. \(instead)")
        }
    }
}
