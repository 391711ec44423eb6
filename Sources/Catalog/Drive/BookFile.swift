internal import Glibc
internal import Primitives
internal import Synchronization
internal import SystemPackage

/// A database of the driver's own beside the catalog, whose loss harms nobody: one that is damaged is begun anew.
struct BookFile {
    let path: String
    /// Makes what it holds, and sets `user_version` to 1.
    let schema: String
    /// One of its tables.
    let table: String

    /// Opens it, and makes it where there is none or a damaged one.
    ///
    /// - Parameter body: the first use of it, which must not fail because it is damaged.
    /// - Returns: with what `body` made, whether it was damaged.
    func open<Opened>(_ body: (Connection) throws -> Opened) throws -> (opened: Opened, wasDamaged: Bool) {
        do {
            return (try body(openAsItIs()), false)
        } catch {
            guard try remakeIfDamaged() else { throw error }
            return (try body(openAsItIs()), true)
        }
    }

    private func openAsItIs() throws -> Connection {
        // Made here, as private as the names that it holds; SQLite would let everybody read it. And made without opening
        // it: closing a descriptor would take away the locks that other connections of this process have on the file.
        if mknod(path, S_IFREG | 0o600, 0) != 0, errno != EEXIST {
            throw Errno(rawValue: errno).failure("making \(path)", kind: .cannotCreate)
        }
        let connection = try Connection(path: path, creating: true)
        // A copy from a backup is in another mode.
        try connection.execute("PRAGMA journal_mode = WAL")
        let version = try Statement("PRAGMA user_version", on: connection.handle).first { $0.integer(0) }
        if version != 1 { try connection.execute("BEGIN IMMEDIATE;\n\(schema)\nPRAGMA user_version = 1;\nCOMMIT") }
        _ = try Statement("SELECT 1 FROM \(table)", on: connection.handle)
        return connection
    }

    /// Removes it where it is damaged: nobody must be kept from a store by what can be found out again.
    ///
    /// Reads all of it. Who has it open reads the old one on, and opens it anew where that fails.
    ///
    /// - Returns: whether it was damaged.
    func remakeIfDamaged() throws -> Bool {
        // One thread at a time, or the second would remove what the first has made.
        Self.remaking.withLock { _ in
            guard access(path, F_OK) == 0, !isSound() else { return false }
            for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
            return true
        }
    }

    private static let remaking = Mutex(())

    private func isSound() -> Bool {
        do {
            let connection = try Connection(path: path, creating: false)
            func number(_ sql: String) throws -> Int64 {
                try Statement(sql, on: connection.handle).first { $0.integer(0) } ?? 0
            }
            let finding = try Statement("PRAGMA quick_check(1)", on: connection.handle).first { [UInt8]($0.bytes(0)) }
            let hasTable = try number("SELECT count(*) FROM sqlite_schema WHERE name = '\(table)'") == 1
            // One that is being made has neither version nor table.
            return try finding == Array("ok".utf8) && hasTable == (number("PRAGMA user_version") == 1)
        } catch let error as OsnovaError {
            // What cannot be looked at just now is not damaged.
            return error.kind != .damaged
        } catch {
            return true
        }
    }
}
