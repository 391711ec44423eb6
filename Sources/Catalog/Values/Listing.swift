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

    /// The statement of the page behind a place; nil for the first.
    private func sql(behind place: [StoredValue]?) -> String {
        let places = order.enumerated().map { StoredValue.columns(for: $1, number: $0) }
        let behind = place.map { place in
            let values = place.map(\.placeholder).joined(separator: ", ")
            return "(\(order.joined(separator: ", "))) \(isDescending ? "<" : ">") (\(values))"
        }
        let all = condition(conditions + (behind.map { [$0] } ?? []))
        let sorted = order.map { $0 + (isDescending ? " DESC" : "") }.joined(separator: ", ")
        let selected = ([columns] + places).joined(separator: ", ")
        return "SELECT \(selected) FROM \(table)\(all) ORDER BY \(sorted) LIMIT ?"
    }

    /// Refuses values that would be cut, and so be those of other rows.
    private func checkArguments() throws {
        for case .string(let text) in arguments.map(\.storage) { try FieldCheck.text(text, "text that is asked for") }
    }

    /// Hands over every row that the conditions let pass, in no order.
    ///
    /// - Throws: `usage` for a value with a NUL.
    func forEach(_ database: Database, _ body: (Row) throws -> Void) throws {
        try checkArguments()
        let statement = try database.cachedStatement(sql: "SELECT \(columns) FROM \(table)\(condition(conditions))")
        let rows = try Row.fetchCursor(statement, arguments: StatementArguments(arguments))
        while let row = try rows.next() { try body(row) }
    }

    private func condition(_ all: [String]) -> String {
        all.isEmpty ? "" : " WHERE " + all.joined(separator: " AND ")
    }

    /// Reads the page after a cursor.
    ///
    /// - Throws: `usage` for a limit that is no size of a page, a value with a NUL, and another query's cursor.
    func page<Result>(
        _ database: Database, after cursor: Cursor?, limit: Int, _ make: (Row) throws -> Result
    ) throws -> Page<Result> {
        guard (1...Self.largestPage).contains(limit) else {
            throw OsnovaError(.usage, "a page has 1 to \(Self.largestPage) rows, not \(limit)")
        }
        try checkArguments()
        let place = try cursor.map { try $0.position(query: identity, count: order.count) }
        let statement = try database.cachedStatement(sql: sql(behind: place))
        let values = arguments + (place ?? []).map(\.value) + [(limit + 1).databaseValue]
        let rows = try Row.fetchAll(statement, arguments: StatementArguments(values))
        var next: Cursor?
        if rows.count > limit {
            let last = rows[limit - 1]
            next = try Cursor(query: identity, position: order.indices.map { StoredValue(last, number: $0) })
        }
        return Page(rows: try rows.prefix(limit).map(make), next: next)
    }
}
