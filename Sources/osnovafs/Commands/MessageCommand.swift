internal import ArgumentParser
internal import Catalog
internal import OsnovaStorage
internal import Primitives

struct MessageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "message", abstract: "Add, list, show and remove messages.",
        subcommands: [Add.self, List.self, Show.self, Remove.self])

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "add", abstract: "Add a message to a channel.")

        @OptionGroup var store: StoreOptions

        @Option(help: "Where it is said.", transform: Arguments.text)
        var channel: String

        @Option(help: "Who says it.", transform: Arguments.text)
        var sender: String

        @Option(help: ArgumentHelp("The SHA-256 of a stored content that goes with it.", valueName: "sha256"))
        var attachment: HashArgument?

        @Option(help: ArgumentHelp("When it was said, in Unix seconds; now by default.", valueName: "seconds"))
        var timestamp: TimeArgument?

        @Argument(help: "The text; may be left out where there is an attachment.", transform: Arguments.text)
        var body: String?

        func run() throws {
            var message = Message(
                channel: channel, sender: sender, body: body, attachment: attachment?.id,
                timestamp: timestamp?.seconds ?? Clock.seconds)
            message.id = try store.open().catalog.write { try $0.save(message) }
            if store.json { return try Terminal.sayJSON(MessageDocument(message)) }
            Terminal.say("\(message.id)")
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List messages, the newest first.")

        @OptionGroup var store: StoreOptions
        @OptionGroup var page: PageOptions

        @Option(help: "Just those of a channel.", transform: Arguments.text)
        var channel: String?

        @Option(help: "Just those of a sender.", transform: Arguments.text)
        var sender: String?

        @Option(help: ArgumentHelp("Just those from this Unix second on.", valueName: "seconds"))
        var since: TimeArgument?

        func run() throws {
            let catalog = try store.open().catalog
            let filter = MessageFilter(channel: channel, sender: sender, since: since?.seconds)
            try page.say(json: store.json, as: MessageDocument.init) { cursor, limit in
                try catalog.read { try $0.messages(filter, after: cursor, limit: limit) }
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "show", abstract: "Show a message.")

        @OptionGroup var store: StoreOptions

        @Argument(help: "The message's number.")
        var number: Int64

        func run() throws {
            guard let message = try store.open().catalog.read({ try $0.message(number) }) else {
                throw OsnovaError(.notFound, "there is no message \(number)")
            }
            try RowDocument.say(MessageDocument(message), json: store.json)
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "remove", abstract: "Remove a message.")

        @OptionGroup var store: StoreOptions

        @Argument(help: "The message's number.")
        var number: Int64

        func run() throws {
            guard try store.open().remove({ try $0.removeMessage(number) }) else {
                throw OsnovaError(.notFound, "there is no message \(number)")
            }
            try Removal.say("message", "\(number)", json: store.json)
        }
    }
}

struct MessageDocument: ListedDocument {
    let id: Int64
    let channel: String
    let sender: String
    let timestamp: Int64
    let body: String?
    let attachment: String?

    init(_ message: Message) {
        id = message.id
        channel = message.channel
        sender = message.sender
        timestamp = message.timestamp
        body = message.body
        attachment = message.attachment?.hex
    }

    static let header = ["NUMBER", "TIME", "CHANNEL", "SENDER", "TEXT"]
    var cells: [String] {
        ["\(id)", Table.time(timestamp), channel, sender, body ?? "[\(attachment ?? "nothing")]"]
    }
}

/// Shows one row.
enum RowDocument {
    static func say(_ row: some ListedDocument, json: Bool) throws {
        if json { return try Terminal.sayJSON(row) }
        Table.print(type(of: row).header, [row.cells])
    }
}
