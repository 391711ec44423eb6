internal import GRDBSQLite
internal import Primitives

/// A private connection to a database: to the catalog read-only by its own rule, to a file of the driver's own for writes.
final class Connection {
    let handle: OpaquePointer

    /// Opens the catalog for reads.
    convenience init(path: String) throws {
        // Read-write, since a read-only connection cannot recover a WAL; query_only keeps it from writing.
        try self.init(path, SQLITE_OPEN_READWRITE)
        // A mebibyte of pages a thread: the kernel's page cache holds the rest, and memory does not grow.
        try execute("PRAGMA query_only = 1; PRAGMA cache_size = -1024")
    }

    /// Opens a database of the driver's own, made where there is none.
    convenience init(path: String, creating: Bool) throws {
        try self.init(path, SQLITE_OPEN_READWRITE | (creating ? SQLITE_OPEN_CREATE : 0))
        try execute("PRAGMA cache_size = -512; PRAGMA synchronous = FULL")
    }

    private init(_ path: String, _ flags: Int32) throws {
        var handle: OpaquePointer?
        let code = sqlite3_open_v2(path, &handle, flags | SQLITE_OPEN_NOMUTEX, nil)
        guard code == SQLITE_OK, let handle else {
            let error = Statement.failure(handle)
            sqlite3_close_v2(handle)
            throw error
        }
        self.handle = handle
        sqlite3_busy_timeout(handle, 10_000)
    }

    // Deferred by SQLite until the last statement is finalized.
    deinit { sqlite3_close_v2(handle) }

    /// Whether what was opened is still the file at its path.
    ///
    /// SQLite is asked, which knows what it opened: a path may lead elsewhere by the time it is looked at.
    var isInPlace: Bool {
        var hasMoved: Int32 = 0
        return sqlite3_file_control(handle, "main", SQLITE_FCNTL_HAS_MOVED, &hasMoved) == SQLITE_OK && hasMoved == 0
    }

    /// Runs statements that give no rows.
    func execute(_ sql: String) throws {
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else {
            let failure = Statement.failure(handle)
            // A failed script may leave its transaction open.
            if sqlite3_get_autocommit(handle) == 0 { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
            throw failure
        }
    }

    /// Runs `body` in a transaction that is as if it had never been when it throws.
    func transaction<Result>(_ body: () throws -> Result) throws -> Result {
        try execute("BEGIN IMMEDIATE")
        do {
            let result = try body()
            try execute("COMMIT")
            return result
        } catch {
            if sqlite3_get_autocommit(handle) == 0 { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
            throw error
        }
    }
}
