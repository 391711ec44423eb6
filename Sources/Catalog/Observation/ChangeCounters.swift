internal import GRDB
internal import GRDBSQLite

/// What can be listed, and observed.
public enum ListingKind: String, Sendable, CaseIterable {
    case components
    case applications
    case registry
    case keys
    case transactions
    case cache
    case preferences
    case messages
    /// Everything that the mounted tree shows, uploaded files among it.
    case files
}

/// The counters that triggers keep, whoever writes; one query for all of them.
enum ChangeCounters {
    static let sql = """
        SELECT listing, changes FROM change_counters
        UNION ALL SELECT 'files', seq FROM sqlite_sequence WHERE name = 'node_changes'
        """

    static func read(_ database: Database) throws -> [ListingKind: Int64] {
        var counters: [ListingKind: Int64] = [:]
        for row in try Row.fetchAll(database.cachedStatement(sql: sql)) {
            if let kind = ListingKind(rawValue: row.text("listing") ?? "") { counters[kind] = row.integer("changes") }
        }
        return counters
    }
}

/// Sees that some connection, of whatever process, has committed; used by one task.
final class CommitWatch {
    // Held so that it closes after the statements.
    private let connection: Connection
    private let version: Statement
    private let counters: Statement
    private var seen: Int64?

    init(path: String) throws {
        let connection = try Connection(path: path)
        self.connection = connection
        version = try Statement("PRAGMA data_version", on: connection.handle)
        counters = try Statement(ChangeCounters.sql, on: connection.handle)
    }

    /// The counters, where something was committed since the last call; costs some microseconds where nothing was.
    func news() throws -> [ListingKind: Int64]? {
        let current = try version.first { $0.integer(0) }
        guard current != seen else { return nil }
        seen = current
        var found: [ListingKind: Int64] = [:]
        try counters.forEach { row in
            let name = String(decoding: row.bytes(0), as: UTF8.self)
            if let kind = ListingKind(rawValue: name) { found[kind] = row.integer(1) }
            return true
        }
        return found
    }
}
