internal import ArgumentParser
internal import Catalog
internal import OsnovaStorage
internal import Primitives

/// Which transactions are meant.
struct TransactionOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Just those that an address pays.", valueName: "address"), transform: Arguments.text)
    var from: String?

    @Option(help: ArgumentHelp("Just those that pay an address.", valueName: "address"), transform: Arguments.text)
    var to: String?

    @Option(help: "Just those of a status.")
    var status: WalletTransaction.Status?

    @Option(help: ArgumentHelp("Just those that a component asked for.", valueName: "id"), transform: Arguments.text)
    var component: String?

    var filter: TransactionFilter {
        TransactionFilter(from: from, to: to, status: status, componentID: component)
    }
}

extension TransactionCommand {
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List transactions, the newest first.")

        @OptionGroup var store: StoreOptions
        @OptionGroup var page: PageOptions
        @OptionGroup var options: TransactionOptions

        func run() throws {
            let catalog = try store.open().catalog
            let filter = options.filter
            try page.say(json: store.json, as: TransactionDocument.init) { cursor, limit in
                try catalog.read { try $0.transactions(filter, after: cursor, limit: limit) }
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "show", abstract: "Show a transaction.")

        @OptionGroup var store: StoreOptions

        @Argument(help: "The hash of the transaction.", transform: Arguments.text)
        var hash: String

        func run() throws {
            guard let transaction = try store.open().catalog.read({ try $0.transaction(hash) }) else {
                throw OsnovaError(.notFound, "there is no transaction \(Table.printable(hash))")
            }
            try RowDocument.say(TransactionDocument(transaction), json: store.json)
        }
    }

    struct Total: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "total", abstract: "Add up the amounts of one token on one network, exactly.")

        @OptionGroup var store: StoreOptions
        @OptionGroup var options: TransactionOptions

        @Option(help: "Which network.", transform: Arguments.text)
        var network: String

        @Option(help: "Which token; none for the network's own.", transform: Arguments.text)
        var token: String?

        private struct Outcome: Encodable {
            let total: String
        }

        func run() throws {
            let total = try store.open().catalog.read {
                try $0.total(options.filter, token: token, network: network)
            }
            if store.json { return try Terminal.sayJSON(Outcome(total: total.text)) }
            Terminal.say(total.text)
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove", abstract: "Remove the record of a transaction.")

        @OptionGroup var store: StoreOptions

        @Argument(help: "The hash of the transaction.", transform: Arguments.text)
        var hash: String

        func run() throws {
            guard try store.open().remove({ try $0.removeTransaction(hash) }) else {
                throw OsnovaError(.notFound, "there is no transaction \(Table.printable(hash))")
            }
            try Removal.say("transaction", hash, json: store.json)
        }
    }
}
