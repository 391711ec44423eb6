internal import Foundation
internal import GRDB
public import Primitives
internal import SystemPackage

/// The database of a data root: the seed's tables, and the index of the mounted tree.
///
/// Every write keeps the tree's nodes in step with the rows, in the same transaction, whoever wrote the rows.
/// Safe to use from several threads and beside other processes.
public final class Catalog: Sendable {
    /// How long a blob seems to be and its age (Unix nanoseconds), from the disk; nil where there is none.
    ///
    /// The catalog does not know the disk: rows may name blobs that it has not met yet.
    public typealias BlobProbe = @Sendable (ContentID) throws -> (extent: BlobExtent, created: Int64)?

    let pool: DatabasePool
    private let probe: BlobProbe
    /// Seconds to wait for another program's lock.
    let patience: Double
    private let calls: CallGuard
    /// Which file was opened: another may get its path.
    private let file: SystemCalls.Status
    /// Where the database lies.
    public let path: String
    /// What owns the file where it is a copy of a database whose disk is read-only.
    private let copy: (any Sendable)?

    /// Opens a database and brings its schema up to date.
    ///
    /// - Parameters:
    ///   - path: the file; must exist unless `creating`.
    ///   - creating: whether to make a new one.
    ///   - patience: seconds to wait for another program's lock before `busy` is thrown, which names that program.
    ///   - copy: of a database whose disk is read-only, what keeps the file there as long as the catalog; what
    ///     ``write(_:)`` writes would be lost, and is refused.
    ///   - probe: asked for blobs that rows name.
    /// - Throws: `notFound`, `damaged` for what is no database or has a newer schema, `busy`, `denied`.
    public init(
        path: String, creating: Bool = false, patience: Double = 10, copy: (any Sendable)? = nil,
        probe: @escaping BlobProbe
    ) throws {
        self.path = path
        self.copy = copy
        self.probe = probe
        let patience = Waiting.patience(patience)
        self.patience = patience
        calls = CallGuard(path: path)
        pool = try translatingErrors(path) {
            try Self.checkFile(path, creating: creating)
            let pool = try Self.connect(path, patience)
            try pool.writeWithoutTransaction { database in
                // What is said to be stored must survive a power cut; GRDB's default for WAL would not.
                try database.execute(sql: "PRAGMA synchronous = FULL")
                // KiB. A page that does not fit is written in the middle of a transaction, and again after each change.
                try database.execute(sql: "PRAGMA cache_size = -16384")
                // Each savepoint keeps the pages that it changes, which would go through a temporary file.
                try database.execute(sql: "PRAGMA temp_store = MEMORY")
                // Who comes while another process migrates waits for a copy and two checks of the whole database.
                try Self.setPatience(Self.migrationFactor * patience, of: database)
                try Migrations.run(database, path: path)
                try Self.setPatience(patience, of: database)
            }
            return pool
        }
        file = try Self.status(of: path)
        try settle()
    }

    /// Opens the connections; a database with a rollback journal, as the seed's may be, gets a WAL.
    ///
    /// SQLite does not wait with the lock that this change needs: beside a reader, or another program that makes the
    /// same change, it is refused at once.
    private static func connect(_ path: String, _ patience: Double) throws -> DatabasePool {
        var pool: DatabasePool?
        _ = try Patience.tries(forAtMost: patience) {
            do {
                pool = try DatabasePool(path: path, configuration: configuration(patience))
                return true
            } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
                return false
            }
        }
        guard let pool else { throw OsnovaError.locked(path) }
        return pool
    }

    /// How much longer than for a writer a program waits for another one's migration.
    private static let migrationFactor = 12.0

    static func milliseconds(_ seconds: Double) -> Int32 {
        Int32(exactly: (seconds * 1000).rounded()) ?? .max
    }

    private static func configuration(_ patience: Double) -> Configuration {
        var configuration = Configuration()
        configuration.busyMode = .timeout(patience)
        configuration.maximumReaderCount = 4
        configuration.label = "osnova.db"
        configuration.prepareDatabase { $0.add(collation: versionOrder) }
        return configuration
    }

    /// Texts in the order of semantic versions, for our own queries; no index uses it, which others could not read.
    private static let versionOrder = DatabaseCollation("semver") { left, right in
        let order = SemanticVersion.order(left, right)
        return order.isEqual ? .orderedSame : order.isLess ? .orderedAscending : .orderedDescending
    }

    private static func checkFile(_ path: String, creating: Bool) throws {
        let exists = FileManager.default.fileExists(atPath: path)
        if creating {
            guard !exists,
                FileManager.default.createFile(
                    atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
            else { throw OsnovaError(.cannotCreate, "\(path) exists already or cannot be created") }
            // Must come before the first page is written; free pages can then be given back one by one.
            let empty = try DatabaseQueue(path: path)
            try empty.writeWithoutTransaction {
                try $0.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL")
            }
            try empty.close()
        } else if !exists {
            throw OsnovaError(.notFound, "\(path) is missing: this is no data root; make one with 'osnovafs init'")
        }
    }

    /// Runs `body` outside of any transaction, for what SQLite does on a whole database.
    func maintain<Result>(_ body: (Database) throws -> Result) throws -> Result {
        try calls.requireNoWrite()
        return try translating {
            try pool.writeWithoutTransaction { database in try calls.writing { try body(database) } }
        }
    }

    /// Runs `body` with one consistent state of the database.
    ///
    /// - Throws: what `body` throws, `usage` within another read and after ``close()``.
    public func read<Result>(_ body: (Reading) throws -> Result) throws -> Result {
        try calls.requireNoRead()
        return try translating {
            try pool.read { database in try calls.reading { try body(Reading(database: database)) } }
        }
    }

    /// Runs `body` in a transaction that is durable when this returns, and is as if it had never been when it throws.
    ///
    /// - Throws: what `body` throws; `busy` where another program writes for too long, or where another database has got the
    ///   path, as by a restoration; `notFound` where none has it; `denied` where its disk is read-only; `usage` within
    ///   another write and after ``close()``.
    public func write<Result>(_ body: (Writing) throws -> Result) throws -> Result {
        try requireWritable()
        return try writeDerived(body)
    }

    /// Writes what follows from the files beside the database alone, as ``write(_:)`` does, and also into a copy.
    package func writeDerived<Result>(_ body: (Writing) throws -> Result) throws -> Result {
        defer { CrashPoint.pass() }
        return try transaction { try finish($0, body($0)) }
    }

    /// The same, for what can be left: waits for another program's lock no longer than `seconds`.
    package func writeDerived(waitingAtMost seconds: Double, _ body: (Writing) throws -> Void) throws {
        defer { CrashPoint.pass() }
        try transaction(waitingAtMost: seconds) { try finish($0, body($0)) }
    }

    private func finish<Result>(_ writing: Writing, _ result: Result) throws -> Result {
        try writing.settle(atMost: .max)
        try requireInPlace()
        CrashPoint.pass()
        return result
    }

    /// Makes sure that what is written stays.
    ///
    /// - Throws: `denied` for a copy.
    package func requireWritable() throws {
        guard copy == nil else {
            throw OsnovaError(.denied, "the data root lies on a disk that is read-only: nothing was written")
        }
    }

    /// Makes sure that what is written can be found again.
    private func requireInPlace() throws {
        guard try !file.isSameFile(as: Self.status(of: path)) else { return }
        throw OsnovaError(.busy, "\(path) was restored meanwhile: nothing was written; open the store again")
    }

    private static func status(of path: String) throws -> SystemCalls.Status {
        do throws(Errno) {
            return try SystemCalls.status(path, followingLinks: true)
        } catch .noSuchFileOrDirectory {
            throw OsnovaError(.notFound, "\(path) was moved or removed: nothing was written")
        } catch {
            throw error.failure("looking at \(path)", kind: .inputOutput)
        }
    }

    private func transaction<Result>(_ body: (Writing) throws -> Result) throws -> Result {
        try calls.requireNoWrite()
        return try translating {
            try pool.write { database in
                try calls.writing { try body(Writing(database: database, probe: probe)) }
            }
        }
    }

    private func transaction(waitingAtMost seconds: Double, _ body: (Writing) throws -> Void) throws {
        try calls.requireNoWrite()
        try translating {
            try pool.writeWithoutTransaction { database in
                try Self.setPatience(Waiting.patience(seconds), of: database)
                defer { try? Self.setPatience(patience, of: database) }
                try database.inTransaction(.immediate) {
                    try calls.writing { try body(Writing(database: database, probe: probe)) }
                    return .commit
                }
            }
        }
    }

    private static func setPatience(_ seconds: Double, of database: Database) throws {
        try database.execute(sql: "PRAGMA busy_timeout = \(milliseconds(seconds))")
    }

    /// Whether this thread is within ``write(_:)``.
    var isWriting: Bool { calls.isWriting }

    private func translating<Result>(_ body: () throws -> Result) throws -> Result {
        try translatingErrors(path) {
            do {
                return try body()
            } catch is DatabaseError where calls.isClosed {
                // It was closed meanwhile.
                throw calls.closed
            }
        }
    }

    /// Gives the rows that other programs wrote their nodes and their place in the search index, a thousand rows a
    /// transaction.
    ///
    /// - Parameter seconds: how long to wait for another program's lock; nil: as long as for a ``write(_:)``.
    /// - Returns: whether there were any.
    @discardableResult
    public func settle(waitingAtMost seconds: Double? = nil) throws -> Bool {
        // Whether there is something to write must not decide whether this may be called.
        try calls.requireNoWrite()
        var found = false
        while try settleSome(waitingAtMost: seconds) { found = true }
        return found
    }

    private func settleSome(waitingAtMost seconds: Double?) throws -> Bool {
        let isDirty = try read {
            try Bool.fetchOne(
                $0.database.cachedStatement(
                    sql: "SELECT EXISTS (SELECT 1 FROM dirty_rows) OR EXISTS (SELECT 1 FROM message_changes)"))
        }
        guard isDirty == true else { return false }
        try transaction(waitingAtMost: seconds ?? patience) { try $0.settle(atMost: 1000) }
        return true
    }

    /// Has the rows that wait for their blob looked at again by the next ``settle()``.
    ///
    /// - Parameter seconds: as for ``settle(waitingAtMost:)``.
    public func retryWaitingRows(waitingAtMost seconds: Double? = nil) throws {
        let waits = try read { try Bool.fetchOne($0.database, sql: "SELECT EXISTS (SELECT 1 FROM waiting_rows)") }
        guard waits == true else { return }
        try transaction(waitingAtMost: seconds ?? patience) {
            try $0.database.execute(
                sql: """
                    INSERT OR IGNORE INTO dirty_rows SELECT kind, key FROM waiting_rows;
                    DELETE FROM waiting_rows;
                    """)
        }
    }

    /// Closes the database; nothing may use it afterwards.
    ///
    /// The WAL is emptied first, so that `osnova.db` alone is the database for whoever copies it; where another process
    /// reads just now, that is left to it. Reads and writes of other threads are waited for; a second call does nothing.
    ///
    /// - Throws: `usage` within a read or a write; what SQLite throws, and then it is not closed.
    public func close() throws {
        guard !calls.isClosed else { return }
        try calls.requireOutside()
        _ = try? emptyWAL(waitingAtMost: Self.closingPatience)
        calls.setClosed(true)
        do {
            try translatingErrors(path) { try pool.close() }
        } catch {
            calls.setClosed(false)
            throw error
        }
    }

    /// Seconds that closing waits for others' reads, which mostly take far less.
    private static let closingPatience = 0.1

    /// The lines of SQLite's own integrity check and of its foreign key check; empty for a sound database.
    public func integrityFindings() throws -> [String] {
        try calls.requireNoRead()
        return try translating {
            // Not by a reader of the pool: of a file that was opened for reading alone, SQLite leaves its CHECKs unread.
            let queue = try DatabaseQueue(path: path, configuration: Self.configuration(patience))
            defer { try? queue.close() }
            return try queue.read { try MigrationGuard.findings(in: $0) }
        }
    }
}

/// One consistent state of the database; valid within the closure that got it.
public struct Reading {
    let database: Database
}

/// One transaction; valid within the closure that got it.
public struct Writing {
    let database: Database
    let nodes: NodeWriter

    init(database: Database, probe: @escaping Catalog.BlobProbe) {
        self.database = database
        nodes = NodeWriter(database: database, now: Clock.nanoseconds, probe: probe)
    }

    /// Gives so many of the rows that were noted their nodes and their place in the search index.
    func settle(atMost limit: Int) throws {
        try NodeIndex(nodes: nodes).settle(atMost: limit)
        try MessageIndex(database: database).settle(atMost: limit)
    }

    /// Runs one step of the transaction; what a step that throws did is undone, the rest of the transaction stands.
    public func attempt(_ step: () throws -> Void) throws {
        // As GRDB's `inSavepoint`, which has SQLite read the statements' text each time.
        try nodes.run("SAVEPOINT attempt", [])
        do {
            try step()
        } catch {
            nodes.memory.clear()
            // After some errors SQLite has undone the whole transaction.
            guard database.isInsideTransaction else { throw error }
            try nodes.run("ROLLBACK TO SAVEPOINT attempt", [])
            try nodes.run("RELEASE SAVEPOINT attempt", [])
            throw error
        }
        try nodes.run("RELEASE SAVEPOINT attempt", [])
    }

    /// The state that the transaction has reached.
    public var reading: Reading { Reading(database: database) }
}
