internal import Primitives

/// Some rows of a listing, and where the next ones begin.
public struct Page<Row: Sendable>: Sendable {
    /// The rows, in the order of the listing.
    public let rows: [Row]
    /// Hand it to the same query to get the rows that follow; nil at the end.
    public let next: Cursor?

    /// Makes a page.
    public init(rows: [Row], next: Cursor?) {
        self.rows = rows
        self.next = next
    }
}

/// A place in a listing: it stays right while rows come and go, and holds no lock.
///
/// It is bound to its query: with another filter or order it is refused.
public struct Cursor: Sendable, Hashable, CustomStringConvertible {
    /// The cursor as letters, digits, `.` and `-`: safe in a URL and on a command line.
    public let description: String

    /// Takes the text of a cursor; whether it belongs to a query is checked by the query.
    public init(_ text: String) { description = text }

    private static let digestLength = 12

    /// The place after a row.
    init(query: String, position: [StoredValue]) throws {
        description = try ([Self.digest(query)] + position.map(\.description)).joined(separator: ".")
    }

    /// The values of the row that this is the place after.
    ///
    /// - Throws: `usage` for a cursor of another query.
    func position(query: String, count: Int) throws -> [StoredValue] {
        let parts = description.split(separator: ".", omittingEmptySubsequences: false)
        let values = parts.dropFirst().compactMap(StoredValue.init)
        guard let digest = parts.first, try digest == Self.digest(query), values.count == count,
            parts.count == count + 1
        else {
            throw OsnovaError(.usage, "this cursor belongs to another listing: begin again without one")
        }
        return values
    }

    private static func digest(_ query: String) throws -> String {
        let bytes = Array(query.utf8)
        return try String(bytes.withUnsafeBytes { try SHA256.digest($0) }.hex.prefix(digestLength))
    }
}
