internal import GRDBSQLite
public import Tree

/// Follows the change log of the tree, whoever writes it.
///
/// Used by one thread at a time.
public final class ChangeFeed {
    private let connection: Connection
    private let dataVersion: Statement
    private let newest: Statement
    private let oldest: Statement
    private let dirty: Statement
    private let changes: Statement
    private var seenVersion: Int64
    private var seenSequence: Int64

    private static let batch: Int64 = 4096

    /// Starts at the newest change.
    public init(path: String) throws {
        let connection = try Connection(path: path)
        self.connection = connection
        func statement(_ sql: String) throws -> Statement { try Statement(sql, on: connection.handle) }
        dataVersion = try statement("PRAGMA data_version")
        newest = try statement("SELECT seq FROM sqlite_sequence WHERE name = 'node_changes'")
        oldest = try statement("SELECT min(sequence) FROM node_changes")
        dirty = try statement("SELECT EXISTS (SELECT 1 FROM dirty_rows)")
        changes = try statement(
            """
            SELECT sequence, operation, directory, name, inode FROM node_changes
            WHERE sequence > ?1 ORDER BY sequence LIMIT ?2
            """)
        seenVersion = 0
        seenSequence = try newest.first { $0.integer(0) } ?? 0
    }

    /// Whether another connection, of whatever program, has written since the last call.
    public func hasNews() throws -> Bool {
        let version = try dataVersion.first { $0.integer(0) } ?? 0
        defer { seenVersion = version }
        return version != seenVersion
    }

    /// Whether rows wait for ``Catalog/settle()``.
    public func hasDirtyRows() throws -> Bool {
        try dirty.first { $0.integer(0) != 0 } ?? false
    }

    /// The next changes, at most some thousands; empty when there are no more.
    public func next() throws -> [TreeChange] {
        let first = try oldest.first { $0.isNull(0) ? nil : $0.integer(0) }
        let last = try newest.first { $0.integer(0) } ?? 0
        if last > seenSequence, first.map({ $0 > seenSequence &+ 1 }) ?? true {
            // What lies between was cut from the log.
            seenSequence = last
            return [.everything]
        }
        var found: [TreeChange] = []
        changes.bind(seenSequence, at: 1)
        changes.bind(Self.batch, at: 2)
        try changes.forEach { row in
            seenSequence = row.integer(0)
            if let change = Self.change(row) { found.append(change) }
            return true
        }
        return found
    }

    private static func change(_ row: Statement) -> TreeChange? {
        let directory = Inode.node(row.integer(2)).number
        let inode = UInt64(bitPattern: row.integer(4))
        return switch ChangeOperation(rawValue: row.integer(1)) {
        case .added: .added(directory: directory, name: [UInt8](row.bytes(3)))
        case .removed: .removed(directory: directory, name: [UInt8](row.bytes(3)), inode: inode)
        case .changed: .changed(inode: inode)
        case .attributes: .attributes(inode: inode)
        case .everything: .everything
        case nil: nil
        }
    }
}
