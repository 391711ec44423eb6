internal import ArgumentParser
internal import Catalog
internal import OsnovaStorage
internal import Primitives

struct ComponentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "component", abstract: "Install, list, show and remove components.",
        subcommands: [Install.self, List.self, Show.self, Status.self, Remove.self])

    struct Install: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "install", abstract: "Install a component from its manifest, or bring it to another version.")

        @OptionGroup var store: StoreOptions
        @OptionGroup var unlocking: UnlockingOptions

        @Argument(help: "The manifest, a JSON object; '-' for standard input.")
        var manifest: PathArgument

        @Option(help: ArgumentHelp("The component itself: sealed and cached at its address.", valueName: "file"))
        var artifact: PathArgument?

        func validate() throws { try unlocking.password.refuseStandardInput(beside: manifest) }

        func run() throws {
            let source = try ManifestFile.read(manifest)
            let opened = try artifact == nil ? store.open() : store.open(unlocking)
            let component = try Installer(store: opened, onNotice: Terminal.complain).installComponent(
                manifest: source.bytes, source: source.name, artifact: artifact?.path)
            if store.json { return try Terminal.sayJSON(ComponentDocument(component)) }
            Terminal.say("installed component \(Table.printable("\(component.id) \(component.version)"))")
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show a component's row and manifest.")

        @OptionGroup var store: StoreOptions

        @Argument(help: "The component's id.", transform: Arguments.text)
        var id: String

        func run() throws {
            guard let component = try store.open().catalog.read({ try $0.component(id) }) else {
                throw OsnovaError(.notFound, "there is no component \(Table.printable(id))")
            }
            try DetailedDocument.say(ComponentDocument(component), manifest: component.manifest, json: store.json)
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove",
            abstract: "Remove a component; its cached content stays until the cache lets go of it.")

        @OptionGroup var store: StoreOptions

        @Argument(help: "The component's id.", transform: Arguments.text)
        var id: String

        func run() throws {
            try Installer(store: store.open()).removeComponent(id)
            try Removal.say("component", id, json: store.json)
        }
    }
}
