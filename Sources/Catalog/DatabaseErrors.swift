internal import Foundation
internal import GRDB
internal import Glibc
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
    case .SQLITE_BUSY, .SQLITE_LOCKED: OsnovaError.locked(path)
    case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM: OsnovaError(.denied, "\(path) \(obstacle(path))")
    case .SQLITE_FULL: OsnovaError.full(path)
    case .SQLITE_CONSTRAINT: translate(constraint: error, reason)
    default: OsnovaError(.inputOutput, "\(path): \(reason)")
    }
}

extension OsnovaError {
    /// The error for a database that another program does not let go of.
    static func locked(_ path: String) -> OsnovaError {
        OsnovaError(.busy, "\(path) is locked for too long by \(LockHolder.name(of: path)): try again")
    }

    /// The error for a database that cannot grow.
    static func full(_ path: String) -> OsnovaError {
        OsnovaError(.inputOutput, "the disk of \(path) is full: make room and try again")
    }
}

/// Why a database cannot be opened or written, and what helps.
private func obstacle(_ path: String) -> String {
    let folder = (path as NSString).deletingLastPathComponent
    guard access(folder, W_OK) != 0, errno == EROFS else {
        return "cannot be opened and written: check its permissions"
    }
    return "lies on a disk that is read-only: a store is read beside its -wal file, so make the disk writable or copy "
        + "the data root"
}

private func translate(constraint error: DatabaseError, _ reason: String) -> OsnovaError {
    switch error.extendedResultCode {
    case .SQLITE_CONSTRAINT_UNIQUE, .SQLITE_CONSTRAINT_PRIMARYKEY:
        OsnovaError(.cannotCreate, "there is such a row already: \(reason)")
    case .SQLITE_CONSTRAINT_FOREIGNKEY:
        OsnovaError(.notFound, "a row refers to one that is not there, or is still referred to: \(reason)")
    case .SQLITE_CONSTRAINT_CHECK, .SQLITE_CONSTRAINT_NOTNULL:
        OsnovaError(.usage, "a row cannot have this value: \(reason)")
    default: OsnovaError.damaged("the database refuses a row: \(reason)")
    }
}
