internal import ArgumentParser
internal import Catalog
internal import Keyring
internal import OsnovaStorage
internal import Primitives

struct PasswordCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "password", abstract: "Change a user's password, or make one from the phrase.",
        subcommands: [Change.self, Reset.self])

    struct Change: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "change", abstract: "Seal a user's keys under another password; no content is touched.")

        @OptionGroup var store: StoreOptions
        @OptionGroup var unlocking: UnlockingOptions
        @OptionGroup var new: NewPasswordOptions

        private struct Outcome: Encodable {
            let user: String
        }

        func validate() throws { try unlocking.refusePhrase("'osnovafs password reset' takes the phrase.") }

        func run() throws {
            let root = try store.root
            try unlocking.withPassword(of: root, orPhrase: false) { vault, old in
                // Another store's vault would lock its owner out.
                try Store.open(at: root, keys: KeyHierarchy(master: vault.master)).close()
                let password = try new.password(patience: unlocking.password.passwordTimeout)
                try unlocking.identity.file(in: root).update(old: old, new: password) { vault, save in try save(vault) }
            }
            let user = unlocking.identity.user
            if store.json { return try Terminal.sayJSON(Outcome(user: user)) }
            Terminal.say("changed the password of \(user)")
        }
    }

    struct Reset: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reset", abstract: "Give a user a new password, by the recovery phrase.",
            discussion: """
                For a lost password, a lost or damaged keys.cocoon, and for a further user of the data root. The keys \
                that the database lists are derived again.
                """)

        @OptionGroup var store: StoreOptions
        @OptionGroup var identity: IdentityOptions
        @OptionGroup var new: NewPasswordOptions

        @Option(help: ArgumentHelp("A file that holds the recovery phrase; asked for without it.", valueName: "file"))
        var phraseFile: PathArgument?

        private struct Outcome: Encodable {
            let user: String
            let keys: Int
            let foreignKeys: Int
        }

        func run() throws {
            let root = try store.root
            let file = try identity.file(in: root)
            try root.requireDatabase()
            let phrase = try phraseFile.map { try PhraseFile.read($0.path) } ?? PhraseFile.ask()
            let keys = try KeyHierarchy(phrase: phrase)
            let opened = try Store.open(at: root, keys: keys)
            let (vault, foreign) = try opened.recoveredVault(user: file.user, keys: keys)
            let kept = try file.save(vault, password: new.password(patience: 30), replacing: true)
            try opened.close()
            if foreign > 0 {
                Terminal.complain("\(foreign) keys of the database do not come from this phrase: they were left out")
            }
            if let kept { Terminal.complain("what the old password opens was kept beside it, as \(kept)") }
            if store.json {
                return try Terminal.sayJSON(
                    Outcome(user: file.user.name, keys: vault.keys.count, foreignKeys: foreign))
            }
            Terminal.say("\(file.user.name) has a new password, and \(vault.keys.count) derived keys")
        }
    }
}

struct UnlockCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unlock", abstract: "Try whether a password or the phrase opens the data root; change nothing.")

    @OptionGroup var store: StoreOptions
    @OptionGroup var unlocking: UnlockingOptions

    @Flag(help: "Ask for the recovery phrase on the terminal.")
    var phrase = false

    private struct Outcome: Encodable {
        let dataRoot: String
        let keyFingerprint: String
        let user: String?
    }

    func run() throws {
        let root = try store.root
        try root.requireDatabase()
        let byPhrase = phrase || unlocking.phraseFile != nil
        let keys = try phrase ? KeyHierarchy(phrase: PhraseFile.ask()) : unlocking.keys(of: root)
        let opened = try Store.open(at: root, keys: keys)
        let isRekeying = try !opened.catalog.read { try $0.keyGenerations().rekey.isEmpty }
        try opened.close()
        if isRekeying {
            Terminal.sayOnError(
                "A rekey is under way, and both phrases open the store: 'osnovafs rekey' goes on with it.")
        }
        if byPhrase, try !unlocking.identity.file(in: root).exists {
            Terminal.sayOnError("This user has no password; 'osnovafs password reset' makes one from the phrase.")
        }
        if store.json {
            let fingerprint = Hexadecimal.string(keys.fingerprint.prefix(8))
            return try Terminal.sayJSON(
                Outcome(
                    dataRoot: root.path, keyFingerprint: fingerprint, user: byPhrase ? nil : unlocking.identity.user))
        }
        Terminal.say("this opens \(root.path)")
    }
}
