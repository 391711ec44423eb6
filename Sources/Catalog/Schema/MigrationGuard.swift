internal import Foundation
internal import GRDB
internal import Glibc
internal import Primitives

/// What makes a migration safe: a copy of the database as it was, and a comparison of its soundness.
struct MigrationGuard {
    private let findings: Set<String>

    /// Notes what is wrong already: a migration is not to blame for it, and must not shut its owner out.
    init(before database: Database) throws {
        findings = try Set(Self.findings(in: database))
    }

    /// Checks the result of a migration inside its transaction.
    ///
    /// - Throws: `damaged` for anything that the migration made wrong.
    func check(_ database: Database, version: Int) throws {
        guard let new = try Self.findings(in: database).first(where: { !findings.contains($0) }) else { return }
        throw OsnovaError.damaged("the migration to version \(version) was undone, its result is not sound: \(new)")
    }

    /// The lines of SQLite's integrity check and of its foreign key check; empty for a sound database.
    static func findings(in database: Database) throws -> [String] {
        let lines = try String.fetchAll(database, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
        let orphans = try Row.fetchAll(database, sql: "PRAGMA foreign_key_check").map { row in
            "row \(row.integer("rowid") ?? 0) of \(row.text("table") ?? "?") refers to nothing in "
                + "\(row.text("parent") ?? "?")"
        }
        return lines + orphans
    }

    /// Keeps a copy of the database beside it as it was before a version, durable before this returns.
    ///
    /// The caller holds the write lock, so nothing is written in between; an older copy of the same name is replaced.
    static func keepCopy(of path: String, before version: Int) throws {
        let copy = "\(path).before-v\(version)"
        let temporary = "\(copy).\(getpid())"
        removeStaleCopies(of: path)
        CrashPoint.pass()
        defer { unlink(temporary) }
        guard FileManager.default.createFile(atPath: temporary, contents: nil, attributes: [.posixPermissions: 0o600])
        else { throw OsnovaError(.cannotCreate, "\(temporary) cannot be created: nothing was migrated") }
        let source = try DatabaseQueue(path: path)
        let target = try DatabaseQueue(path: temporary)
        try source.backup(to: target)
        try source.close()
        try target.close()
        CrashPoint.pass()
        guard synchronize(temporary), rename(temporary, copy) == 0,
            synchronize((copy as NSString).deletingLastPathComponent)
        else { throw OsnovaError(.inputOutput, "\(copy) cannot be written: nothing was migrated") }
    }

    /// Removes copies that were being made when their process died, with what SQLite had beside them.
    private static func removeStaleCopies(of path: String) {
        let folder = (path as NSString).deletingLastPathComponent
        let prefix = (path as NSString).lastPathComponent + ".before-v"
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where name.hasPrefix(prefix) {
            let parts = name.dropFirst(prefix.count).split(separator: ".")
            guard parts.count == 2, let process = pid_t(parts[1].prefix(while: \.isNumber)), kill(process, 0) != 0,
                errno == ESRCH
            else { continue }
            unlink("\(folder)/\(name)")
        }
    }

    private static func synchronize(_ path: String) -> Bool {
        let file = open(path.isEmpty ? "." : path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        return fsync(file) == 0
    }
}
