internal import GRDBSQLite
public import Tree

/// Follows the change log of the tree, whoever writes it.
///
/// Used by one thread at a time.
public final class ChangeFeed {
    private let connection: Connection
    private let dataVersion: Statement
    private let newest: Statement
    private let dirty: Statement
    private let changes: Statement
    /// Of the database when ``hasNews()`` last looked, and when there was last nothing more to tell.
    private var polledVersion: Int64 = 0
    private var seenVersion: Int64 = 0
    private var seenSequence: Int64

    /// The file of each removed blob is open until the kernel was told.
    private static let batch: Int64 = 256

    /// Starts at the newest change.
    public init(path: String) throws {
        let connection = try Connection(path: path)
        self.connection = connection
        func statement(_ sql: String) throws -> Statement { try Statement(sql, on: connection.handle) }
        dataVersion = try statement("PRAGMA data_version")
        newest = try statement("SELECT seq FROM sqlite_sequence WHERE name = 'node_changes'")
        dirty = try statement("SELECT EXISTS (SELECT 1 FROM dirty_rows)")
        changes = try statement(
            """
            SELECT sequence, operation, directory, name, inode FROM node_changes
            WHERE sequence > ?1 ORDER BY sequence LIMIT ?2
            """)
        seenSequence = try newest.first { $0.integer(0) } ?? 0
    }

    /// Whether another connection, of whatever program, has written since ``next()`` last had nothing to tell.
    ///
    /// So what a failure kept from being told, or what was too much for one call, is news until it is told.
    public func hasNews() throws -> Bool {
        polledVersion = try dataVersion.first { $0.integer(0) } ?? 0
        return polledVersion != seenVersion
    }

    /// Whether rows wait for ``Catalog/settle()``.
    public func hasDirtyRows() throws -> Bool {
        try dirty.first { $0.integer(0) != 0 } ?? false
    }

    /// The next changes, at most some hundreds; empty when there are no more.
    ///
    /// - Parameter isSettled: whether no row waits for ``Catalog/settle()``; while one does, there is always news.
    public func next(isSettled: Bool = true) throws -> [TreeChange] {
        let last = try newest.first { $0.integer(0) } ?? 0
        // Moved on when all was read: what a failure keeps from being told is told by the next call.
        var latest = seenSequence
        var isWhole = true
        var found: [TreeChange] = []
        changes.bind(seenSequence, at: 1)
        changes.bind(Self.batch, at: 2)
        try changes.forEach { row in
            let sequence = row.integer(0)
            // Numbers are given without gaps: what is not there was cut from the log.
            isWhole = isWhole && sequence == latest &+ 1
            latest = sequence
            if let change = Self.change(row) { found.append(change) }
            return true
        }
        let isEnd = latest == seenSequence
        if !isWhole || (isEnd && last > latest) {
            seenSequence = max(latest, last)
            return [.everything]
        }
        seenSequence = latest
        if isEnd && isSettled { seenVersion = polledVersion }
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
