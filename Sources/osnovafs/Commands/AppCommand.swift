internal import ArgumentParser
internal import Catalog
internal import OsnovaStorage
internal import Primitives

struct AppCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "app", abstract: "Install, list, show and remove applications.",
        subcommands: [Install.self, List.self, Show.self, Remove.self])

    struct Install: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "install",
            abstract: "Install an application from its manifest, or bring it to another version.")

        @OptionGroup var store: StoreOptions
        @OptionGroup var unlocking: UnlockingOptions

        @Argument(help: "The manifest, a JSON object; '-' for standard input.")
        var manifest: PathArgument

        @Option(help: ArgumentHelp("A picture to seal as the application's icon.", valueName: "file"))
        var icon: PathArgument?

        func validate() throws { try unlocking.password.refuseStandardInput(beside: manifest) }

        func run() throws {
            let source = try ManifestFile.read(manifest)
            let opened = try icon == nil ? store.open() : store.open(unlocking)
            let application = try Installer(store: opened, onNotice: Terminal.complain).installApplication(
                manifest: source.bytes, source: source.name, icon: icon?.path)
            if store.json { return try Terminal.sayJSON(ApplicationDocument(application)) }
            Terminal.say("installed application \(Table.printable("\(application.id) \(application.version)"))")
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show an application's row and manifest.")

        @OptionGroup var store: StoreOptions

        @Argument(help: "The application's id.", transform: Arguments.text)
        var id: String

        func run() throws {
            guard let application = try store.open().catalog.read({ try $0.application(id) }) else {
                throw OsnovaError(.notFound, "there is no application \(Table.printable(id))")
            }
            try DetailedDocument.say(
                ApplicationDocument(application), manifest: application.manifest, json: store.json)
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove",
            abstract: "Remove an application; its icon's content stays until nothing refers to it.")

        @OptionGroup var store: StoreOptions

        @Argument(help: "The application's id.", transform: Arguments.text)
        var id: String

        func run() throws {
            try Installer(store: store.open()).removeApplication(id)
            try Removal.say("application", id, json: store.json)
        }
    }
}
