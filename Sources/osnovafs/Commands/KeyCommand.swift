internal import ArgumentParser
internal import Catalog
internal import OsnovaStorage

struct KeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "What is known of derived keys; never a key itself.", subcommands: [List.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List keys by component and index.")

        @OptionGroup var store: StoreOptions
        @OptionGroup var page: PageOptions

        @Option(help: ArgumentHelp("Just those of a component.", valueName: "id"))
        var component: String?

        func run() throws {
            let catalog = try store.open().catalog
            let component = component
            try page.say(json: store.json, as: KeyDocument.init) { cursor, limit in
                try catalog.read { try $0.keys(of: component, after: cursor, limit: limit) }
            }
        }
    }
}

struct KeyDocument: ListedDocument {
    let componentId: String
    let derivationIndex: Int64
    let publicKey: String
    let keyType: String
    let purpose: String?
    let createdAt: Int64
    let lastUsed: Int64?

    init(_ key: KeyMetadata) {
        componentId = key.componentID
        derivationIndex = key.derivationIndex
        publicKey = key.publicKey
        keyType = key.type.rawValue
        purpose = key.purpose
        createdAt = key.createdAt
        lastUsed = key.lastUsed
    }

    static let header = ["COMPONENT", "INDEX", "TYPE", "PURPOSE", "PUBLIC KEY"]
    var cells: [String] { [componentId, "\(derivationIndex)", keyType, purpose ?? "-", publicKey] }
}
