internal import GRDBSQLite
internal import Primitives

/// A prepared statement of a connection that one thread uses.
///
/// SQLite's own interface instead of GRDB's: a lookup is a few microseconds here, several times that through a pool,
/// and the driver does little else. Column memory is valid until the next step.
final class Statement {
    private let handle: OpaquePointer
    private let connection: OpaquePointer

    init(_ sql: String, on connection: OpaquePointer) throws {
        var handle: OpaquePointer?
        let code = sqlite3_prepare_v3(connection, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
        guard code == SQLITE_OK, let handle else { throw Self.failure(connection) }
        self.handle = handle
        self.connection = connection
    }

    deinit { sqlite3_finalize(handle) }

    /// Calls `row` for each row until it returns false; the read transaction ends when this returns.
    func forEach(_ row: (Statement) throws -> Bool) throws {
        defer { sqlite3_reset(handle) }
        while true {
            switch sqlite3_step(handle) {
            case SQLITE_ROW: if try !row(self) { return }
            case SQLITE_DONE: return
            default: throw Self.failure(connection)
            }
        }
    }

    /// What `row` makes of the first row; nil where there is none.
    func first<Result>(_ row: (Statement) throws -> Result?) throws -> Result? {
        var result: Result?
        try forEach {
            result = try row($0)
            return false
        }
        return result
    }

    /// Runs a statement that gives no rows.
    func run() throws { try forEach { _ in false } }

    // MARK: Parameters

    func bind(_ value: Int64, at index: Int32) { sqlite3_bind_int64(handle, index, value) }

    func bindNull(at index: Int32) { sqlite3_bind_null(handle, index) }

    /// Binds memory that stays as it is until the statement has run.
    func bindBlob(_ bytes: UnsafeRawBufferPointer, at index: Int32) {
        // A NULL pointer would bind NULL instead of an empty blob.
        if bytes.isEmpty {
            sqlite3_bind_zeroblob(handle, index, 0)
        } else {
            sqlite3_bind_blob64(handle, index, bytes.baseAddress, UInt64(bytes.count), nil)
        }
    }

    /// Binds memory as text that stays as it is until the statement has run.
    func bindText(_ bytes: UnsafeRawBufferPointer, at index: Int32) {
        let text = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        sqlite3_bind_text64(handle, index, text, UInt64(bytes.count), nil, UInt8(SQLITE_UTF8))
    }

    // MARK: Columns

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    /// The bytes of a text or blob; empty for NULL.
    func bytes(_ column: Int32) -> UnsafeRawBufferPointer {
        let start = sqlite3_column_blob(handle, column)
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column)))
    }

    /// Every column with its name, as a JSON value.
    func values() -> [(name: String, value: JSONValue)] {
        (0..<sqlite3_column_count(handle)).map { column in
            (sqlite3_column_name(handle, column).map { String(cString: $0) } ?? "", value(column))
        }
    }

    private func value(_ column: Int32) -> JSONValue {
        switch sqlite3_column_type(handle, column) {
        case SQLITE_INTEGER: .integer(sqlite3_column_int64(handle, column))
        case SQLITE_FLOAT: .real(sqlite3_column_double(handle, column))
        case SQLITE_TEXT: .text(String(decoding: bytes(column), as: UTF8.self))
        case SQLITE_BLOB: .text(Hexadecimal.string(bytes(column)))
        default: .null
        }
    }

    static func failure(_ connection: OpaquePointer?) -> OsnovaError {
        let message = sqlite3_errmsg(connection).map { String(cString: $0) } ?? "out of memory"
        let path = sqlite3_db_filename(connection, "main").map { String(cString: $0) } ?? ""
        let name = path.split(separator: "/").last ?? "the database"
        return switch sqlite3_errcode(connection) {
        case SQLITE_CORRUPT, SQLITE_NOTADB: .damaged("\(name) is damaged: \(message)")
        case SQLITE_BUSY, SQLITE_LOCKED: .locked(path)
        case SQLITE_FULL: .full(path)
        default: OsnovaError(.inputOutput, "\(name) cannot be read: \(message)")
        }
    }
}
