internal import Foundation
internal import GRDB
internal import Primitives

/// Something that a search found.
public struct SearchHit: Sendable, Equatable {
    /// What can be searched.
    public enum Kind: String, Sendable, CaseIterable {
        case component
        case application
        case message
    }

    /// What was found.
    public let kind: Kind
    /// The component's or application's id; a message's number.
    public let id: String
    /// The name; a message's channel.
    public let title: String
    /// The part of the text that matched, the matching words in `[` and `]`.
    public let snippet: String
    /// How well it matches, the less the better; comparable within one kind.
    public let rank: Double
}

extension Catalog {
    /// Searches components, applications and messages.
    ///
    /// The index is first brought up to what other programs wrote. Hits come by kind, the best first. Where more than
    /// 256 messages match, the newest 256 are ranked, of components and applications 1,000: so the cost has a bound.
    ///
    /// - Parameters:
    ///   - text: words that must all occur, `"phrases"`, `prefixes*`.
    ///   - limit: of hits of each kind.
    /// - Throws: `usage` for a query without a word, or a limit that is none.
    public func search(
        _ text: String, in kinds: [SearchHit.Kind] = SearchHit.Kind.allCases, limit: Int = 20
    ) throws -> [SearchHit] {
        let query = try SearchQuery(text)
        guard (1...1000).contains(limit) else {
            throw OsnovaError(.usage, "a search finds 1 to 1000 rows of a kind, not \(limit)")
        }
        try settle()
        return try read { reading in
            try kinds.flatMap {
                try SearchReading(database: reading.database, expression: query.expression).hits($0, limit: limit)
            }
        }
    }
}

/// One search in one state of the database.
struct SearchReading {
    let database: Database
    let expression: String

    static let mostRankedMessages = 256
    static let mostRankedPackages = 1000

    func hits(_ kind: SearchHit.Kind, limit: Int) throws -> [SearchHit] {
        let ranked: [Row]
        switch kind {
        case .message:
            ranked = try Row.fetchAll(
                database.cachedStatement(sql: Self.messageRanking),
                arguments: [expression, max(limit, Self.mostRankedMessages), limit])
        case .component, .application:
            let row: RowKind = kind == .component ? .component : .application
            ranked = try Row.fetchAll(
                database.cachedStatement(sql: Self.packageRanking),
                arguments: [expression, row.rawValue, Self.mostRankedPackages, limit])
        }
        return try ranked.compactMap { try hit(kind, of: $0) }
    }

    static let messageRanking = """
        SELECT id, rank FROM (
            SELECT rowid AS id, rank FROM message_search WHERE message_search MATCH ?1 ORDER BY rowid DESC LIMIT ?2)
        ORDER BY rank, id DESC LIMIT ?3
        """

    static let packageRanking = """
        SELECT id, key, rank FROM (
            SELECT search_documents.id AS id, key, rank FROM package_search
            JOIN search_documents ON search_documents.id = package_search.rowid
            WHERE package_search MATCH ?1 AND kind = ?2 ORDER BY package_search.rowid DESC LIMIT ?3)
        ORDER BY rank, id LIMIT ?4
        """

    private func hit(_ kind: SearchHit.Kind, of ranked: Row) throws -> SearchHit? {
        let (table, title) = kind == .message ? ("message_search", "channel") : ("package_search", "name")
        let sql = """
            SELECT \(title) AS title, snippet(\(table), -1, '[', ']', '…', 16) AS snippet FROM \(table)
            WHERE \(table) MATCH ? AND rowid = ?
            """
        let id = ranked.integer("id") ?? 0
        guard let row = try Row.fetchOne(database.cachedStatement(sql: sql), arguments: [expression, id]) else {
            return nil
        }
        return SearchHit(
            kind: kind, id: kind == .message ? "\(id)" : ranked.text("key") ?? "", title: row.text("title") ?? "",
            snippet: row.text("snippet") ?? "", rank: ranked.real("rank") ?? 0)
    }
}
