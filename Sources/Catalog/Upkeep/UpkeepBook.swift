internal import Glibc
public import Primitives

/// What the mounts of a store found when they verified its blobs in the background: when, and what is damaged.
///
/// A database of its own, `upkeep.db`. In `osnova.db`, each blob that was verified would give the next backup of the view
/// another database to copy; and what a disk still reads says nothing of a copy on another disk, so it goes into no backup.
/// Losing it means that blobs are verified earlier, nothing else. Used by one thread at a time.
public final class UpkeepBook {
    /// A check of a blob as a whole.
    public struct Check: Sendable, Equatable {
        /// The row of the blob.
        public var blob: Int64
        /// The SHA-256 of its plaintext: a row's number means nothing in another database.
        public var id: ContentID
        /// Unix seconds.
        public var time: Int64
        /// What was found wrong; nil for a sound blob.
        public var damage: Damage?

        /// Gathers what a check found.
        public init(blob: Int64, id: ContentID, time: Int64, damage: Damage? = nil) {
            self.blob = blob
            self.id = id
            self.time = time
            self.damage = damage
        }
    }

    /// What a check found wrong.
    public struct Damage: Sendable, Equatable {
        /// In words.
        public var reason: String
        /// What the blob's file looked like: one that looks otherwise is to be verified anew.
        public var file: String
        /// The time of verification that the blob's row had, 0 for none: with another one somebody found it sound, or
        /// mended it.
        public var verified: Int64
        /// Unix seconds at which it was first found.
        public var found: Int64

        /// Gathers what was found.
        public init(reason: String, file: String, verified: Int64, found: Int64) {
            self.reason = reason
            self.file = file
            self.verified = verified
            self.found = found
        }
    }

    private let connection: Connection
    private let dataVersion: Statement
    private let byBlob: Statement
    private let damaged: Statement
    private let change: Statement
    private let deletion: Statement

    /// Opens the book, and makes it where there is none or a damaged one.
    public init(path: String) throws {
        let connection = try Self.file(path).open { $0 }.opened
        // A power cut may take the last seconds of it.
        try connection.execute("PRAGMA synchronous = NORMAL")
        self.connection = connection
        func statement(_ sql: String) throws -> Statement { try Statement(sql, on: connection.handle) }
        dataVersion = try statement("PRAGMA data_version")
        let columns = "blob, sha256, checked_at, reason, file, row_verified, found_at"
        byBlob = try statement("SELECT \(columns) FROM checks WHERE blob = ?1")
        damaged = try statement("SELECT \(columns) FROM checks WHERE reason IS NOT NULL ORDER BY blob")
        change = try statement("INSERT OR REPLACE INTO checks(\(columns)) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
        deletion = try statement("DELETE FROM checks WHERE blob = ?1")
    }

    /// Whether it is still the file at its path, which is made anew where it was damaged.
    public var isCurrent: Bool { connection.isInPlace }

    /// Removes the book where it is damaged; whether it was.
    ///
    /// Reads all of it. Who has it open would read the old one on: see ``isCurrent``.
    public static func remakeIfDamaged(path: String) throws -> Bool {
        try file(path).remakeIfDamaged()
    }

    private static func file(_ path: String) -> BookFile {
        BookFile(path: path, schema: schema, table: "checks")
    }

    /// Opens the book; nil where there is none.
    public static func existing(path: String) throws -> UpkeepBook? {
        access(path, F_OK) == 0 ? try UpkeepBook(path: path) : nil
    }

    private static let schema = """
        CREATE TABLE IF NOT EXISTS checks (
            blob INTEGER PRIMARY KEY,     -- the row in osnova.db
            sha256 TEXT NOT NULL,
            checked_at INTEGER NOT NULL,  -- Unix seconds
            reason TEXT,                  -- what is wrong; NULL: nothing
            file TEXT,
            row_verified INTEGER,
            found_at INTEGER
        );
        CREATE INDEX IF NOT EXISTS damaged_checks ON checks(blob) WHERE reason IS NOT NULL;
        """

    /// A number that is another one after another connection has changed the book; meaningful for this object alone.
    public func version() throws -> Int64 { try dataVersion.first { $0.integer(0) } ?? 0 }

    /// The last check of a blob; nil where there was none.
    public func check(ofBlob row: Int64, _ id: ContentID) throws -> Check? {
        byBlob.bind(row, at: 1)
        return try byBlob.first { Self.check($0) }.flatMap { $0.id == id ? $0 : nil }
    }

    /// The last checks of blobs that found them damaged.
    public func damagedBlobs() throws -> [Check] {
        var found: [Check] = []
        try damaged.forEach { row in
            if let check = Self.check(row) { found.append(check) }
            return true
        }
        return found
    }

    /// Notes checks, in one transaction, each in place of the blob's earlier one.
    public func record(_ checks: [Check]) throws {
        guard !checks.isEmpty else { return }
        try connection.transaction { for check in checks { try record(check) } }
    }

    /// Forgets what is known of some blobs.
    public func forget(_ rows: [Int64]) throws {
        guard !rows.isEmpty else { return }
        try connection.transaction {
            for row in rows {
                deletion.bind(row, at: 1)
                try deletion.run()
            }
        }
    }

    private func record(_ check: Check) throws {
        change.bind(check.blob, at: 1)
        change.bind(check.time, at: 3)
        let damage = check.damage
        try Self.withBytes(check.id.hex, damage?.reason ?? "", damage?.file ?? "") { id, reason, file in
            change.bindText(id, at: 2)
            if let damage {
                change.bindText(reason, at: 4)
                change.bindText(file, at: 5)
                change.bind(damage.verified, at: 6)
                change.bind(damage.found, at: 7)
            } else {
                for column in 4...7 as ClosedRange<Int32> { change.bindNull(at: column) }
            }
            try change.run()
        }
    }

    private static func withBytes(
        _ one: String, _ two: String, _ three: String,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> Void
    ) throws {
        try Array(one.utf8).withUnsafeBytes { one in
            try Array(two.utf8).withUnsafeBytes { two in
                try Array(three.utf8).withUnsafeBytes { three in try body(one, two, three) }
            }
        }
    }

    private static func check(_ row: Statement) -> Check? {
        guard let id = ContentID(hex: row.bytes(1)) else { return nil }
        var damage: Damage?
        if !row.isNull(3) {
            damage = Damage(
                reason: String(decoding: row.bytes(3), as: UTF8.self),
                file: String(decoding: row.bytes(4), as: UTF8.self), verified: row.integer(5), found: row.integer(6))
        }
        return Check(blob: row.integer(0), id: id, time: row.integer(2), damage: damage)
    }
}
