internal import GRDB
internal import Primitives

/// A query that is read page by page: a table, conditions that an index serves, and an order that ends in a unique column.
struct Listing {
    let table: String
    let columns: String
    let order: [String]
    let isDescending: Bool
    private(set) var conditions: [String] = []
    private(set) var arguments: [DatabaseValue] = []

    /// The most rows of a page: a reader must not hold the database for long.
    static let largestPage = 10_000

    init(_ table: String, columns: String = "*", order: [String], descending: Bool) {
        self.table = table
        self.columns = columns
        self.order = order
        isDescending = descending
    }

    /// Adds a condition with one `?` for the value; no value, no condition.
    func with(_ condition: String, _ value: (some DatabaseValueConvertible)?) -> Listing {
        guard let value else { return self }
        var copy = self
        copy.conditions.append(condition)
        copy.arguments.append(value.databaseValue)
        return copy
    }

    /// Adds a condition without a value.
    func with(_ condition: String) -> Listing {
        var copy = self
        copy.conditions.append(condition)
        return copy
    }

    /// What a cursor is bound to.
    var identity: String {
        ([table, "\(isDescending)"] + order + conditions + arguments.map { "\($0)" }).joined(separator: "\u{1F}")
    }

    /// The statement, of which a test can ask how SQLite would run it.
    func sql(isFirstPage: Bool) -> String {
        let keys = order.joined(separator: ", ")
        let place = "(\(keys)) \(isDescending ? "<" : ">") (\(order.map { _ in "?" }.joined(separator: ", ")))"
        let all = conditions + (isFirstPage ? [] : [place])
        let condition = all.isEmpty ? "" : " WHERE " + all.joined(separator: " AND ")
        let direction = isDescending ? " DESC" : ""
        let sorted = order.map { $0 + direction }.joined(separator: ", ")
        return "SELECT \(columns) FROM \(table)\(condition) ORDER BY \(sorted) LIMIT ?"
    }

    /// Reads the page after a cursor.
    ///
    /// - Throws: `usage` for a limit that is no size of a page, and for another query's cursor.
    func page<Result>(
        _ database: Database, after cursor: Cursor?, limit: Int, _ make: (Row) throws -> Result
    ) throws -> Page<Result> {
        guard (1...Self.largestPage).contains(limit) else {
            throw OsnovaError(.usage, "a page has 1 to \(Self.largestPage) rows, not \(limit)")
        }
        let place = try cursor.map { try $0.position(query: identity, count: order.count) } ?? []
        let statement = try database.cachedStatement(sql: sql(isFirstPage: cursor == nil))
        let values = arguments + place + [(limit + 1).databaseValue]
        let rows = try Row.fetchAll(statement, arguments: StatementArguments(values))
        var next: Cursor?
        if rows.count > limit {
            let last = rows[limit - 1]
            next = try Cursor(query: identity, position: order.map { last[$0.unqualified] as DatabaseValue })
        }
        return Page(rows: try rows.prefix(limit).map(make), next: next)
    }
}

extension String {
    /// A column's name without its table's.
    fileprivate var unqualified: String { split(separator: ".").last.map(String.init) ?? self }
}
