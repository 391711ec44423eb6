internal import ArgumentParser
internal import Catalog
internal import OsnovaStorage

struct CacheCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache", abstract: "Cached network content.", subcommands: [Put.self])

    struct Put: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Seal a file as the content of a network address, listed under /cache.")

        @OptionGroup var store: StoreOptions
        @OptionGroup var unlocking: UnlockingOptions

        @Option(help: ArgumentHelp("What the network calls the content: chunk, pointer, file, …", valueName: "type"))
        var type = "file"

        @Argument(help: "The network address.")
        var address: String

        @Argument(help: "The content.")
        var file: PathArgument

        func run() throws {
            let entry = try Installer(store: store.open(unlocking)).cache(address, content: file.path, dataType: type)
            if store.json { return try Terminal.sayJSON(CacheDocument(entry)) }
            Terminal.say("\(entry.content)  \(Table.printable(entry.address))")
        }
    }
}
