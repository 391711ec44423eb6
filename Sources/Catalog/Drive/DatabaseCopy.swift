internal import Glibc
internal import GRDBSQLite
public import Primitives
internal import SystemPackage

/// Copies of the database as one consistent state, by SQLite's online backup.
///
/// Used by one thread at a time.
public final class DatabaseCopy {
    private let path: String
    private let connection: Connection
    private let dataVersion: Statement

    /// Opens a connection to a database that a ``Catalog`` has brought up to date.
    public init(path: String) throws {
        self.path = path
        connection = try Connection(path: path)
        dataVersion = try Statement("PRAGMA data_version", on: connection.handle)
    }

    /// A number that is another one after any program has changed the database; meaningful for this object alone.
    public func version() throws -> Int64 { try dataVersion.first { $0.integer(0) } ?? 0 }

    /// Writes the state of now into a new file.
    ///
    /// The same state always makes the same bytes. They say that there is no WAL, so that the copy can be opened where
    /// nothing can be written, a read-only mount for one.
    ///
    /// - Parameters:
    ///   - file: an empty file under `name`; whoever removes the name on the way does no harm.
    ///   - opened: called when the name is no longer needed.
    public func write(to file: OwnedDescriptor, named name: String, opened: () -> Void = {}) throws {
        do {
            let target = try Connection(path: name, creating: false)
            opened()
            try target.execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
            try connection.copyPages(to: target, from: path)
        }
        try normalize(file)
    }

    /// Sets the fields of the header that count writes instead of telling what is in the file.
    private func normalize(_ file: OwnedDescriptor) throws {
        do {
            // Read and write version: 1 says that there is no WAL. The counters at 24 and 92 must agree with each other.
            try Self.write([1, 1], at: 18, file)
            try Self.write([0, 0, 0, 1], at: 24, file)
            try Self.write([0, 0, 0, 1], at: 92, file)
        } catch {
            throw error.failure("copying \(path)", kind: .inputOutput)
        }
    }

    private static func write(_ bytes: [UInt8], at offset: Int64, _ file: OwnedDescriptor) throws(Errno) {
        let written = bytes.withUnsafeBytes { pwrite(file.number, $0.baseAddress, $0.count, off_t(offset)) }
        guard written == bytes.count else { throw Errno(rawValue: errno) }
    }
}

extension Connection {
    /// Copies one consistent state into another database, by SQLite's online backup.
    ///
    /// - Parameter path: of this database, for messages.
    func copyPages(to target: Connection, from path: String) throws {
        guard let backup = sqlite3_backup_init(target.handle, "main", handle, "main") else {
            throw Statement.failure(target.handle)
        }
        var code = SQLITE_BUSY
        for _ in 0..<100 where code == SQLITE_BUSY || code == SQLITE_LOCKED {
            code = sqlite3_backup_step(backup, -1)
            if code == SQLITE_BUSY || code == SQLITE_LOCKED { sqlite3_sleep(50) }
        }
        sqlite3_backup_finish(backup)
        guard code == SQLITE_DONE else {
            throw OsnovaError(
                code == SQLITE_BUSY ? .busy : .inputOutput, "copying \(path): \(String(cString: sqlite3_errstr(code)))")
        }
    }
}
