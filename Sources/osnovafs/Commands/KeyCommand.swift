internal import ArgumentParser
internal import Catalog
internal import Keyring
internal import OsnovaStorage
internal import Primitives

struct KeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Key pairs of components.",
        subcommands: [Derive.self, List.self, Show.self])

    struct Derive: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "derive", abstract: "Derive a key pair for a component and print its public key.",
            discussion: """
                The secret half is kept in the user's keys.cocoon, the public half in the database. The same number \
                again prints the same key and changes nothing.
                """)

        @OptionGroup var store: StoreOptions
        @OptionGroup var unlocking: UnlockingOptions

        @Option(
            help: ArgumentHelp("ed25519, x25519, secp256k1 or ml_dsa.", valueName: "type"),
            transform: { try Choice.of($0, among: KeyType.allCases, named: \.rawValue) })
        var type: KeyType = .ed25519

        @Option(help: ArgumentHelp("The key's number; the next free one without it.", valueName: "n"))
        var index: Int64?

        @Argument(help: "The component's id.", transform: Arguments.text)
        var component: String

        func validate() throws {
            try unlocking.refusePhrase("'osnovafs password reset' makes one from the phrase.")
            guard index ?? 0 >= 0 else { throw ValidationError("--index is not negative.") }
        }

        func run() throws {
            let root = try store.root
            let record = try unlocking.withPassword(of: root, orPhrase: false) { vault, password in
                let opened = try Store.open(at: root, keys: KeyHierarchy(master: vault.master))
                let record = try opened.deriveKey(
                    type, for: component, index: index, identity: unlocking.identity.file(in: root), password: password)
                try opened.close()
                return record
            }
            if store.json { return try Terminal.sayJSON(KeyDocument(record)) }
            Terminal.say(record.publicKey)
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the public halves by component and number; needs no password.")

        @OptionGroup var store: StoreOptions
        @OptionGroup var page: PageOptions

        @Option(help: ArgumentHelp("Just those of a component.", valueName: "id"), transform: Arguments.text)
        var component: String?

        func run() throws {
            let catalog = try store.open().catalog
            let component = component
            try page.say(json: store.json, as: KeyDocument.init) { cursor, limit in
                try catalog.read { try $0.keys(of: component, after: cursor, limit: limit) }
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract:
                "Show what is known of a public key; with --secret its secret half, for which the password is needed."
        )

        @OptionGroup var store: StoreOptions
        @OptionGroup var unlocking: UnlockingOptions

        @Flag(help: "Print the secret half: the seed of Ed25519, the scalar of the others; hexadecimal.")
        var secret = false

        @Argument(help: "The public key, in hexadecimal.", transform: Arguments.text)
        var publicKey: String

        func validate() throws { try unlocking.refusePhrase("The secret half is in keys.cocoon.") }

        func run() throws {
            let wanted = publicKey.lowercased()
            guard let record = try store.open().catalog.read({ try $0.key(publicKey: wanted) }) else {
                throw OsnovaError(.notFound, "there is no key \(Table.printable(publicKey))")
            }
            guard secret else { return try say(record) }
            let vault = try unlocking.vault(of: store.root, orPhrase: false)
            guard let key = vault.keys.first(where: { Hexadecimal.string($0.publicKey) == wanted }) else {
                throw OsnovaError(.notFound, "\(unlocking.identity.user) does not hold the secret half of this key")
            }
            try SecretOutput.say(key.secret, json: store.json ? KeyDocument(record) : nil)
        }

        private func say(_ record: KeyMetadata) throws {
            if store.json { return try Terminal.sayJSON(KeyDocument(record)) }
            Table.print(KeyDocument.header, [KeyDocument(record).cells])
        }
    }
}

/// A key pair's public half as a document.
struct KeyDocument: ListedDocument {
    let componentId: String
    let derivationIndex: Int64
    let publicKey: String
    let keyType: String
    let purpose: String?
    let createdAt: Int64
    let lastUsed: Int64?
    /// Stands where the secret goes, in a document that has one.
    var secretKey: String?

    init(_ key: KeyMetadata) {
        componentId = key.componentID
        derivationIndex = key.derivationIndex
        publicKey = key.publicKey
        keyType = key.type.rawValue
        purpose = key.purpose
        createdAt = key.createdAt
        lastUsed = key.lastUsed
    }

    static let header = ["COMPONENT", "NUMBER", "TYPE", "CREATED", "PURPOSE", "PUBLIC KEY"]
    var cells: [String] {
        [componentId, "\(derivationIndex)", keyType, Table.time(createdAt), purpose ?? "-", publicKey]
    }
}
