internal import Foundation
internal import GRDB
public import Primitives

/// A row of `wallet_transactions`.
public struct WalletTransaction: Sendable, Equatable {
    /// How far a transaction is.
    public enum Status: String, Sendable, CaseIterable {
        case pending
        case confirmed
        case failed
    }

    /// The hash of the transaction; the key of the row.
    public var hash: String
    /// Who pays.
    public var from: String
    /// Who is paid.
    public var to: String
    /// A decimal text of any size, exact; see ``Amount``.
    public var amount: String
    /// Which token; nil for the network's own.
    public var token: String?
    /// Which network.
    public var network: String
    /// How far it is.
    public var status: Status
    /// A decimal text.
    public var gasUsed: String?
    /// A decimal text, in gwei.
    public var gasPrice: String?
    /// What it is for.
    public var purpose: String?
    /// Which component asked for it.
    public var componentID: String?
    /// Unix seconds.
    public var timestamp: Int64
    /// Unix seconds.
    public var confirmedAt: Int64?

    /// Makes a pending transaction.
    public init(
        hash: String, from: String, to: String, amount: Amount, token: String? = nil, network: String,
        purpose: String? = nil, componentID: String? = nil, timestamp: Int64 = Clock.seconds
    ) {
        self.hash = hash
        self.from = from
        self.to = to
        self.amount = amount.text
        self.token = token
        self.network = network
        status = .pending
        self.purpose = purpose
        self.componentID = componentID
        self.timestamp = timestamp
    }

    init(_ row: Row) throws {
        hash = row.text("tx_hash") ?? ""
        let stored = row.text("status") ?? ""
        guard let known = Status(rawValue: stored) else {
            throw OsnovaError.damaged("transaction \(hash) has the unknown status \"\(stored)\"")
        }
        status = known
        from = row.text("from_address") ?? ""
        to = row.text("to_address") ?? ""
        amount = row.text("amount") ?? ""
        token = row.text("token_address")
        network = row.text("network") ?? ""
        gasUsed = row.text("gas_used")
        gasPrice = row.text("gas_price_gwei")
        purpose = row.text("purpose")
        componentID = row.text("component_id")
        timestamp = row.integer("timestamp") ?? 0
        confirmedAt = row.integer("confirmed_at")
    }

    /// The amount as a number; nil where another program wrote something that is none.
    public var value: Amount? { Amount(amount) }

    func check() throws {
        try FieldCheck.identifier(hash, "hash of a transaction")
        for (text, name) in [(from, "payer"), (to, "payee"), (network, "network")] {
            try FieldCheck.identifier(text, "\(name) of a transaction")
        }
        for text in [token, purpose, componentID] { try FieldCheck.text(text, "text of a transaction") }
        for (text, name) in [(amount, "amount"), (gasUsed, "gas"), (gasPrice, "gas price")] {
            guard let text, Amount(text) == nil else { continue }
            throw OsnovaError(
                .usage,
                "the \(name) of a transaction must be a decimal number such as 12 or 0.5, without sign or exponent")
        }
        try FieldCheck.time(timestamp, "time of a transaction")
        try FieldCheck.time(confirmedAt, "confirmation time of a transaction")
    }
}

/// Which transactions a listing or a sum has.
public struct TransactionFilter: Sendable {
    /// Just those that an address pays.
    public var from: String?
    /// Just those that pay an address.
    public var to: String?
    /// Just those that are so far.
    public var status: WalletTransaction.Status?
    /// Just those that a component asked for.
    public var componentID: String?

    /// Makes a filter; what is nil does not filter.
    public init(
        from: String? = nil, to: String? = nil, status: WalletTransaction.Status? = nil, componentID: String? = nil
    ) {
        self.from = from
        self.to = to
        self.status = status
        self.componentID = componentID
    }

    /// Those that have a hash: without one, a row has no place among those of its second.
    var listing: Listing { everything.with("tx_hash IS NOT NULL") }

    /// The first condition, the most selective kind first, chooses the index; a unary plus keeps the others from it.
    var everything: Listing {
        var listing = Listing("wallet_transactions", order: ["timestamp", "tx_hash"], descending: true)
        let conditions = [
            ("from_address", from), ("to_address", to), ("component_id", componentID), ("status", status?.rawValue),
        ].filter { $0.1 != nil }
        for (index, condition) in conditions.enumerated() {
            listing = listing.with("\(index == 0 ? "" : "+")\(condition.0) = ?", condition.1)
        }
        return listing
    }
}
