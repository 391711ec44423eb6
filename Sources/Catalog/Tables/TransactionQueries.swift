internal import GRDB
public import Primitives

extension Reading {
    /// The transaction of a hash; nil where there is none.
    ///
    /// - Throws: `usage` for a hash with a NUL.
    public func transaction(_ hash: String) throws -> WalletTransaction? {
        try FieldCheck.text(hash, "hash of a transaction")
        return try Row.fetchOne(
            database.cachedStatement(sql: "SELECT * FROM wallet_transactions WHERE tx_hash = ?"), arguments: [hash]
        ).map(WalletTransaction.init)
    }

    /// Transactions, the newest first, a page at a time; costs time in proportion to the page.
    ///
    /// - Throws: `usage` for another query's cursor, or a limit outside 1…10,000.
    public func transactions(
        _ filter: TransactionFilter = TransactionFilter(), after cursor: Cursor? = nil, limit: Int = 100
    ) throws -> Page<WalletTransaction> {
        try filter.listing.page(database, after: cursor, limit: limit, WalletTransaction.init)
    }

    /// The exact sum of the amounts of one token on one network; reads every transaction that the filter lets pass.
    ///
    /// - Parameter token: nil for the network's own.
    /// - Throws: `damaged` where another program wrote an amount that is no decimal number.
    public func total(
        _ filter: TransactionFilter = TransactionFilter(), token: String? = nil, network: String
    ) throws -> Amount {
        var sum = Amount.zero
        let wanted = (token: token.map(ExactText.init), network: ExactText(network))
        // Not page by page: a row without a hash has a place in no page.
        try filter.everything.forEach(database) { row in
            let transaction = try WalletTransaction(row)
            guard transaction.token.map(ExactText.init) == wanted.token,
                ExactText(transaction.network) == wanted.network
            else { return }
            guard let value = transaction.value else {
                throw OsnovaError.damaged("transaction \(transaction.hash) has no decimal number for its amount")
            }
            sum = sum + value
        }
        return sum
    }
}

extension Writing {
    /// Inserts a transaction, or brings the row of the same hash to this state.
    ///
    /// - Throws: `usage` for a value that a transaction cannot have.
    public func save(_ transaction: WalletTransaction) throws {
        try transaction.check()
        let sql = """
            INSERT INTO wallet_transactions(tx_hash, from_address, to_address, amount, token_address, network, status,
                gas_used, gas_price_gwei, purpose, component_id, timestamp, confirmed_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT(tx_hash) DO UPDATE SET from_address = excluded.from_address, to_address = excluded.to_address,
                amount = excluded.amount, token_address = excluded.token_address, network = excluded.network,
                status = excluded.status, gas_used = excluded.gas_used, gas_price_gwei = excluded.gas_price_gwei,
                purpose = excluded.purpose, component_id = excluded.component_id, timestamp = excluded.timestamp,
                confirmed_at = excluded.confirmed_at
            """
        try database.cachedStatement(sql: sql).execute(arguments: [
            transaction.hash, transaction.from, transaction.to, transaction.amount, transaction.token,
            transaction.network, transaction.status.rawValue, transaction.gasUsed, transaction.gasPrice,
            transaction.purpose, transaction.componentID, transaction.timestamp, transaction.confirmedAt,
        ])
    }

    /// Says how a transaction ended; whatever else the row holds stays.
    ///
    /// - Parameters:
    ///   - at: Unix seconds.
    ///   - gasUsed: nil leaves what is recorded.
    /// - Throws: `notFound` for an unknown hash, `usage` for a time that is none.
    public func settleTransaction(
        _ hash: String, as status: WalletTransaction.Status, at time: Int64 = Clock.seconds, gasUsed: Amount? = nil
    ) throws {
        let confirmedAt = status == .pending ? nil : time
        try FieldCheck.text(hash, "hash of a transaction")
        try FieldCheck.time(confirmedAt, "confirmation time of a transaction")
        // Only these columns: what another program wrote into the others may be such as 'save' refuses.
        let sql = """
            UPDATE wallet_transactions SET status = ?, confirmed_at = ?, gas_used = coalesce(?, gas_used)
            WHERE tx_hash = ?
            """
        try database.cachedStatement(sql: sql)
            .execute(arguments: [status.rawValue, confirmedAt, gasUsed?.text, hash])
        guard database.changesCount > 0 else {
            throw OsnovaError(.notFound, "there is no transaction \(hash)")
        }
    }

    /// Removes a transaction; false where there is none.
    ///
    /// - Throws: `usage` for a hash with a NUL.
    public func removeTransaction(_ hash: String) throws -> Bool {
        try FieldCheck.text(hash, "hash of a transaction")
        try database.cachedStatement(sql: "DELETE FROM wallet_transactions WHERE tx_hash = ?")
            .execute(arguments: [hash])
        return database.changesCount > 0
    }
}
