internal import GRDB
internal import Primitives

/// Runs `body` and says a failure of SQLite in this project's terms.
func translatingErrors<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
    do {
        return try body()
    } catch let error as DatabaseError {
        throw translate(error, path)
    }
}

private func translate(_ error: DatabaseError, _ path: String) -> OsnovaError {
    let reason = error.message ?? "SQLite error \(error.resultCode.rawValue)"
    return switch error.resultCode {
    case .SQLITE_NOTADB: OsnovaError.damaged("\(path) is not an SQLite database")
    case .SQLITE_CORRUPT: OsnovaError.damaged("\(path) is damaged: \(reason)")
    case .SQLITE_BUSY, .SQLITE_LOCKED:
        OsnovaError(.busy, "\(path) is locked by another program for too long: try again")
    case .SQLITE_CANTOPEN: OsnovaError(.denied, "\(path) cannot be opened: check its permissions")
    case .SQLITE_READONLY, .SQLITE_PERM: OsnovaError(.denied, "\(path) cannot be written: check its permissions")
    case .SQLITE_FULL: OsnovaError(.inputOutput, "the disk of \(path) is full: make room and try again")
    case .SQLITE_CONSTRAINT: OsnovaError.damaged("the database refuses a row: \(reason)")
    default: OsnovaError(.inputOutput, "\(path): \(reason)")
    }
}
