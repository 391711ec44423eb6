internal import ArgumentParser
internal import Catalog
internal import OsnovaStorage
internal import Primitives

struct PreferenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pref", abstract: "Set, list, show and remove preferences.",
        subcommands: [Set.self, List.self, Show.self, Remove.self])

    struct Set: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: "Set a preference to a JSON value.",
            discussion: #"""
                For example: osnovafs pref set theme '"dark"'; osnovafs pref set window '{"width": 800}'; \#
                osnovafs pref set offset -- -5.
                """#)

        @OptionGroup var store: StoreOptions

        @Argument(help: "What it is called.", transform: Arguments.text)
        var key: String

        @Argument(help: "The value, JSON of any kind.", transform: Arguments.text)
        var value: String

        func run() throws {
            try store.open().catalog.write { try $0.setPreference(key, json: value) }
            if store.json { return try Terminal.sayJSON(PreferenceDocument(key: key, value: value, updatedAt: nil)) }
            Terminal.say("\(Table.printable(key)) = \(Table.printable(value))")
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List preferences by key.")

        @OptionGroup var store: StoreOptions
        @OptionGroup var page: PageOptions

        @Argument(help: "Just those whose keys begin so.", transform: Arguments.text)
        var prefix = ""

        func run() throws {
            let catalog = try store.open().catalog
            let prefix = prefix
            try page.say(json: store.json, as: PreferenceDocument.init) { cursor, limit in
                try catalog.read { try $0.preferences(prefix: prefix, after: cursor, limit: limit) }
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show the value of a preference, as JSON.")

        @OptionGroup var store: StoreOptions

        @Argument(help: "What it is called.", transform: Arguments.text)
        var key: String

        func run() throws {
            guard let found = try store.open().catalog.read({ try $0.preference(named: key) }) else {
                throw OsnovaError(.notFound, "there is no preference \(Table.printable(key))")
            }
            if store.json { return try Terminal.sayJSON(PreferenceDocument(found)) }
            Terminal.say(Table.printable(found.json))
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "remove", abstract: "Remove a preference.")

        @OptionGroup var store: StoreOptions

        @Argument(help: "What it is called.", transform: Arguments.text)
        var key: String

        func run() throws {
            guard try store.open().remove({ try $0.removePreference(key) }) else {
                throw OsnovaError(.notFound, "there is no preference \(Table.printable(key))")
            }
            try Removal.say("preference", key, json: store.json)
        }
    }
}

struct PreferenceDocument: ListedDocument {
    let key: String
    /// The JSON text: another program may have written something that is none.
    let value: String
    let updatedAt: Int64?

    init(key: String, value: String, updatedAt: Int64?) {
        self.key = key
        self.value = value
        self.updatedAt = updatedAt
    }

    init(_ preference: Preference) {
        self.init(key: preference.key, value: preference.json, updatedAt: preference.updatedAt)
    }

    static let header = ["KEY", "VALUE"]
    var cells: [String] { [key, value] }
}
