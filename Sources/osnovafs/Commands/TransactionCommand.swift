internal import ArgumentParser
internal import Catalog
internal import OsnovaStorage
internal import Primitives

struct TransactionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tx", abstract: "Record, list, sum up, show and remove wallet transactions.",
        subcommands: [Set.self, List.self, Show.self, Total.self, Remove.self])

    struct Set: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: "Record a transaction, or change what is recorded of it.",
            discussion:
                "A new one needs --from, --to, --amount and --network; of a known one, what is given is changed.")

        @OptionGroup var store: StoreOptions

        @Argument(help: "The hash of the transaction.", transform: Arguments.text)
        var hash: String

        @Option(help: "Who pays.", transform: Arguments.text)
        var from: String?

        @Option(help: "Who is paid.", transform: Arguments.text)
        var to: String?

        @Option(help: "A decimal number of any size, exact.", transform: Arguments.text)
        var amount: String?

        @Option(help: "Which network.", transform: Arguments.text)
        var network: String?

        @Option(help: "Which token; none for the network's own.", transform: Arguments.text)
        var token: String?

        @Option(help: "How far it is.")
        var status: WalletTransaction.Status?

        @Option(help: "What it is for.", transform: Arguments.text)
        var purpose: String?

        @Option(help: ArgumentHelp("Which component asked for it.", valueName: "id"), transform: Arguments.text)
        var component: String?

        @Option(help: ArgumentHelp("When it was made, in Unix seconds; now by default.", valueName: "seconds"))
        var timestamp: TimeArgument?

        func run() throws {
            let saved = try store.open().catalog.write { writing in
                let known = try writing.reading.transaction(hash)
                var transaction = try known ?? new()
                change(&transaction)
                if transaction != known { try writing.save(transaction) }
                if let status, status != transaction.status { try writing.settleTransaction(hash, as: status) }
                return try writing.reading.transaction(hash) ?? transaction
            }
            if store.json { return try Terminal.sayJSON(TransactionDocument(saved)) }
            Terminal.say("recorded transaction \(Table.printable(saved.hash)): \(saved.status)")
        }

        private func new() throws -> WalletTransaction {
            guard let from, let to, let amount, let network else {
                throw OsnovaError(.usage, "a new transaction needs --from, --to, --amount and --network")
            }
            guard let value = Amount(amount) else {
                throw OsnovaError(.usage, "--amount takes a decimal number such as 12 or 0.5")
            }
            return WalletTransaction(hash: hash, from: from, to: to, amount: value, network: network)
        }

        private func change(_ transaction: inout WalletTransaction) {
            transaction.from = from ?? transaction.from
            transaction.to = to ?? transaction.to
            transaction.amount = amount ?? transaction.amount
            transaction.network = network ?? transaction.network
            transaction.token = token ?? transaction.token
            transaction.purpose = purpose ?? transaction.purpose
            transaction.componentID = component ?? transaction.componentID
            transaction.timestamp = timestamp?.seconds ?? transaction.timestamp
        }
    }
}

struct TransactionDocument: ListedDocument {
    let hash: String
    let from: String
    let to: String
    let amount: String
    let token: String?
    let network: String
    let status: String
    let gasUsed: String?
    let gasPriceGwei: String?
    let purpose: String?
    let componentId: String?
    let timestamp: Int64
    let confirmedAt: Int64?

    init(_ transaction: WalletTransaction) {
        hash = transaction.hash
        from = transaction.from
        to = transaction.to
        amount = transaction.amount
        token = transaction.token
        network = transaction.network
        status = transaction.status.rawValue
        gasUsed = transaction.gasUsed
        gasPriceGwei = transaction.gasPrice
        purpose = transaction.purpose
        componentId = transaction.componentID
        timestamp = transaction.timestamp
        confirmedAt = transaction.confirmedAt
    }

    static let header = ["TIME", "STATUS", "AMOUNT", "TOKEN", "NETWORK", "HASH"]
    var cells: [String] { [Table.time(timestamp), status, amount, token ?? "-", network, hash] }
}
