import Foundation
import GRDB
import OsnovaStorage
import Testing

@testable import Catalog

/// No query reads more than it must: the plans of every statement that the library has prepared.
@Suite struct PlanTests {
    /// Every listed query, each once, on one connection.
    private func askEverything(_ reading: Reading) throws {
        let content = try #require(ContentID(hex: String(repeating: "ab", count: 32)))
        var plans: [() throws -> Void] = [
            { _ = try reading.component("c") }, { _ = try reading.application("a") }, { _ = try reading.message(1) },
            { _ = try reading.transaction("t") }, { _ = try reading.cacheEntry("a") },
            { _ = try reading.cacheEntries(ofContent: content) }, { _ = try reading.preference(named: "p") },
            { _ = try reading.key(of: "c", index: 0) }, { _ = try reading.key(publicKey: "k") },
            { _ = try reading.nextKeyIndex(of: "c") }, { _ = try reading.registration(of: "c") },
            { _ = try reading.staleRegistrations(after: 1) }, { _ = try reading.uploadedFile(at: [[1], [2]]) },
            { _ = try reading.blob(content) }, { _ = try reading.hasBlob(ofSize: 1) },
            { _ = try reading.blobs(after: 0, limit: 1) }, { _ = try reading.tags(ofBlob: 1) },
        ]
        // The first page, and those behind a number and behind a text.
        for value in [nil, StoredValue("i1"), StoredValue("t31")] {
            plans += listings(reading).map { listing in
                {
                    let cursor = try value.map { value in
                        try Cursor(query: listing.identity, position: listing.order.map { _ in value })
                    }
                    _ = try listing.page(reading.database, after: cursor, limit: 5) { _ in 0 }
                }
            }
        }
        for plan in plans { try plan() }
    }

    private func listings(_ reading: Reading) -> [Listing] {
        let components: [ComponentFilter] = [
            .init(), .init(kind: .backend), .init(author: "a"), .init(kind: .backend, author: "a"),
        ]
        let messages: [MessageFilter] = [
            .init(), .init(channel: "c"), .init(sender: "s"), .init(channel: "c", sender: "s"), .init(since: 1),
            .init(channel: "c", since: 1), .init(sender: "s", since: 1),
        ]
        let transactions: [TransactionFilter] = [
            .init(), .init(from: "f"), .init(to: "t"), .init(status: .failed), .init(componentID: "c"),
            .init(from: "f", to: "t", status: .failed, componentID: "c"),
        ]
        return components.map(\.listing) + messages.map(\.listing) + transactions.map(\.listing)
            + [
                Reading.newestApplications, Reading.lastLaunchedApplications, Reading.leastUsedCache,
                Reading.fileListing(5), Reading.registrationListing(nil), Reading.registrationListing(.running),
                Reading.keyListing(nil), Reading.keyListing("c"), Reading.preferenceListing(""),
                Reading.preferenceListing("ui."),
            ]
    }

    /// What SQLite would read in full, or sort, to answer a statement.
    private func faults(of sql: String, _ database: Database) throws -> [String] {
        let count = sql.filter { $0 == "?" }.count
        let arguments = StatementArguments([Int?](repeating: 1, count: count))
        let statement = try database.makeStatement(sql: "EXPLAIN QUERY PLAN \(sql)")
        statement.setUncheckedArguments(arguments)
        return try Row.fetchAll(statement).compactMap { $0["detail"] as String? }.filter { detail in
            let isScan =
                detail.hasPrefix("SCAN ") && !detail.contains("VIRTUAL TABLE INDEX") && !detail.contains("CONSTANT ROW")
            // An index that already has the order, read from its end, is what a page is.
            return detail.contains("TEMP B-TREE FOR ORDER BY") || (isScan && !detail.contains("USING"))
        }
    }

    private func prepared(_ database: Database) throws -> [String] {
        try String.fetchAll(
            database,
            sql:
                "SELECT DISTINCT sql FROM sqlite_stmt WHERE sql LIKE 'SELECT%' OR sql LIKE 'UPDATE%' OR sql LIKE 'DELETE%'"
        )
        .filter {
            // The first row decides an EXISTS: it reads no more.
            !$0.contains("sqlite_stmt") && !$0.hasPrefix("SELECT EXISTS") && !$0.contains("sqlite_master")
        }
    }

    @Test func `every query of a listing or a row is answered by an index`() throws {
        let library = try Library()
        try library.catalog.read { (reading: Reading) throws -> Void in
            try askEverything(reading)
            let statements = try prepared(reading.database)
            #expect(statements.count > 50, "the statements are really seen: \(statements.count)")
            for sql in statements {
                let faults = try faults(of: sql, reading.database)
                #expect(faults == [], "\(sql)")
            }
        }
    }

    @Test func `a page behind a text begins at its row, not at the first of the same time`() throws {
        let library = try Library()
        let listing = TransactionFilter().listing
        let place = try ["i1", "t31"].map { try #require(StoredValue($0)) }
        let cursor = try Cursor(query: listing.identity, position: place)
        try library.catalog.read { (reading: Reading) throws -> Void in
            _ = try listing.page(reading.database, after: cursor, limit: 5) { _ in 0 }
            let sql = try #require(try prepared(reading.database).first { $0.contains("CAST(? AS TEXT)") })
            let statement = try reading.database.makeStatement(sql: "EXPLAIN QUERY PLAN \(sql)")
            statement.setUncheckedArguments([1, "1", 1])
            let plan = try Row.fetchAll(statement).compactMap { $0["detail"] as String? }
            #expect(plan.contains { $0.contains("(timestamp,tx_hash)<(?,?)") }, "\(plan)")
        }
    }

    @Test func `manifests and messages are searched by index`() throws {
        let library = try Library()
        try library.catalog.read { (reading: Reading) throws -> Void in
            for sql in [SearchReading.messageRanking, SearchReading.packageRanking] {
                let statement = try reading.database.makeStatement(sql: "EXPLAIN QUERY PLAN \(sql)")
                statement.setUncheckedArguments(["\"a\"", 1, 1, 1])
                let plan = try Row.fetchAll(statement).compactMap { $0["detail"] as String? }
                #expect(plan.contains { $0.contains("VIRTUAL TABLE INDEX") })
                #expect(!plan.contains { $0.hasPrefix("SCAN search_documents") || $0.hasPrefix("SCAN messages") })
            }
        }
    }

    @Test func `what is written in batches finds its rows by index`() throws {
        let library = try Library()
        try library.install("c")
        var batch = PendingWrites()
        batch.heartbeats[.init(componentID: ExactText("c"), processID: 1)] = 1
        batch.componentUses[ExactText("c")] = 1
        batch.launches[ExactText("a")] = .init(times: 1, last: 1)
        batch.cacheUses[ExactText("x")] = .init(times: 1, last: 1)
        batch.keyUses[ExactText("k")] = 1
        try library.catalog.write { (writing: Writing) throws -> Void in
            try writing.apply(batch)
            try writing.save(Message(channel: "c", sender: "s", body: "b"))
            let statements = try prepared(writing.database)
            #expect(statements.filter { $0.hasPrefix("UPDATE") }.count >= 5)
            for sql in statements where sql.hasPrefix("UPDATE") {
                #expect(try faults(of: sql, writing.database) == [], "\(sql)")
            }
        }
    }
}
