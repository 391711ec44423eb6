internal import ArgumentParser
internal import OsnovaStorage
internal import Primitives

struct SnapshotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot", abstract: "States of the tree that stay while the store goes on.",
        discussion: """
            A snapshot NAME is seen in the mount under .snapshots/NAME, which is not listed but can be entered: a backup \
            of it is consistent however long it runs.
            """,
        subcommands: [Create.self, List.self, Delete.self])

    struct Row: Encodable {
        let name: String
        let createdAt: Int64

        init(_ snapshot: Snapshot) {
            name = snapshot.name
            createdAt = snapshot.created / 1_000_000_000
        }
    }

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "create", abstract: "Keep the tree as it is now.")

        @OptionGroup var store: StoreOptions

        @Argument(help: "The snapshot's name.", transform: Arguments.text)
        var name: String

        func run() throws {
            let made = try Snapshots(store: store.open()).create(name)
            if store.json { return try Terminal.sayJSON(Row(made)) }
            Terminal.say("made snapshot \(Table.printable(made.name))")
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the snapshots, oldest first.")

        @OptionGroup var store: StoreOptions

        func run() throws {
            let rows = try Snapshots(store: store.open()).list().map(Row.init)
            if store.json { return try Terminal.sayJSON(rows) }
            Table.print(["CREATED", "NAME"], rows.map { [Table.time($0.createdAt), $0.name] })
        }
    }

    struct Delete: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "delete", abstract: "Remove a snapshot.")

        @OptionGroup var store: StoreOptions

        @Argument(help: "The snapshot's name.", transform: Arguments.text)
        var name: String

        private struct Outcome: Encodable {
            let deleted: String
        }

        func run() throws {
            try Snapshots(store: store.open()).delete(name)
            if store.json { return try Terminal.sayJSON(Outcome(deleted: name)) }
            Terminal.say("deleted snapshot \(Table.printable(name))")
        }
    }
}
