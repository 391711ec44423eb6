internal import GRDBSQLite
internal import Glibc
public import Primitives

/// The inode numbers of what lies in the data root beside the catalog, and the times of generated files.
///
/// A database of its own, `view.db`: a number is given when a file is first seen, and if that changed `osnova.db`, each
/// walk of the mount would give the next backup another database to copy. Losing it harms nobody: numbers start from a
/// clock, so that none is given twice. Used by one thread at a time.
public final class NumberBook {
    /// What tells a file from another that later has its name.
    public struct Identity: Sendable, Equatable {
        /// The number on its own disk.
        public var inode: UInt64
        /// Unix nanoseconds of its making; 0 where the disk does not say.
        public var born: Int64
        /// The type bits of its mode.
        public var type: UInt32
        /// Bytes.
        public var size: Int64
        /// Unix nanoseconds of the last change of content.
        public var modified: Int64
        /// Unix nanoseconds of the last change of content or attributes.
        public var changed: Int64

        /// Gathers what tells a file from others.
        public init(inode: UInt64, born: Int64, type: UInt32, size: Int64, modified: Int64, changed: Int64) {
            self.inode = inode
            self.born = born
            self.type = type
            self.size = size
            self.modified = modified
            self.changed = changed
        }
    }

    /// A number, and what is shown with it.
    public struct Numbered: Sendable, Equatable {
        /// The number.
        public let number: Int64
        /// Unix nanoseconds of the last change of content or attributes: that of the file, but for one that was restored
        /// as it was, that from before.
        public let changed: Int64

        /// Gathers a number and its time.
        public init(number: Int64, changed: Int64) {
            self.number = number
            self.changed = changed
        }
    }

    /// A number's entry.
    public struct Entry: Sendable {
        /// The number of its directory; 0 for the data root.
        public let parent: Int64
        /// The name in the directory.
        public let name: [UInt8]
        /// The file that got the number.
        public let identity: Identity
        /// The time to show for the recorded one, where a restored file has another.
        let shown: Int64?
        /// The time of a directory's last change when all its names had numbers.
        public let listed: Int64?

        /// The time of the last change to show for the file as it is now.
        public func changed(_ now: Identity) -> Int64 {
            now.changed == identity.changed ? shown ?? now.changed : now.changed
        }
    }

    /// Whether the book was damaged and is begun anew.
    public let wasDamaged: Bool

    private let connection: Connection
    /// Files that changed last before this time may be other ones than those that got the numbers: see ``placed(_:_:)``.
    private let since: Int64
    private let byName: Statement
    private let byNumber: Statement
    private let children: Statement
    private let insertion: Statement
    private let deletion: Statement
    private let correction: Statement
    private let listing: Statement
    private let state: Statement
    private let stateChange: Statement

    /// Opens the book, and makes it where there is none or a damaged one.
    public init(path: String) throws {
        let (opened, wasDamaged) = try Self.file(path).open { (connection: $0, since: try Self.placed(path, $0)) }
        let connection = opened.connection
        self.connection = connection
        self.wasDamaged = wasDamaged
        since = opened.since
        func statement(_ sql: String) throws -> Statement { try Statement(sql, on: connection.handle) }
        let columns = "id, parent, name, inode, born, type, size, modified, listed, changed, shown"
        byName = try statement("SELECT \(columns) FROM entries WHERE parent = ?1 AND name = ?2")
        byNumber = try statement("SELECT \(columns) FROM entries WHERE id = ?1")
        children = try statement("SELECT id, name FROM entries WHERE parent = ?1 AND id > ?2 ORDER BY id LIMIT ?3")
        insertion = try statement(
            """
            INSERT INTO entries(parent, name, inode, born, type, size, modified, changed)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """)
        // Without ALL, which would never end in a book that was tampered with and has a circle.
        deletion = try statement(
            """
            WITH RECURSIVE gone(id) AS (
                VALUES (?1) UNION SELECT entries.id FROM gone JOIN entries ON entries.parent = gone.id)
            DELETE FROM entries WHERE id IN gone
            """)
        correction = try statement(
            "UPDATE entries SET shown = coalesce(shown, changed), inode = ?2, born = ?3, changed = ?4 WHERE id = ?1")
        listing = try statement("UPDATE entries SET listed = ?2 WHERE id = ?1")
        state = try statement("SELECT digest, modified FROM states WHERE file = ?1")
        stateChange = try statement("INSERT OR REPLACE INTO states(file, digest, modified) VALUES (?1, ?2, ?3)")
    }

    private static func file(_ path: String) -> BookFile {
        BookFile(path: path, schema: NumberBookSchema.sql, table: "entries")
    }

    /// Whether it is still the file at its path.
    public var isCurrent: Bool { connection.isInPlace }

    /// Removes the book where it is damaged; whether it was.
    ///
    /// Reads all of it. Who has it open would read the old one on: see ``isCurrent``.
    public static func remakeIfDamaged(path: String) throws -> Bool {
        try file(path).remakeIfDamaged()
    }

    // MARK: Numbers

    /// The entry of a number; nil where the file that had it is gone.
    public func entry(_ number: Int64) throws -> Entry? {
        byNumber.bind(number, at: 1)
        return try byNumber.first { Self.entry($0) }
    }

    /// The number of a name, which is given now if it is new or another file's.
    public func number(
        of name: UnsafeRawBufferPointer, in parent: Int64, identity: Identity
    ) throws -> Numbered {
        if let known = try known(name, in: parent, identity), known.isSame { return known.numbered }
        return try connection.transaction { try settle(name, in: parent, identity) }
    }

    /// Gives numbers to those of many names that have none, in one transaction.
    public func number(_ files: [(name: [UInt8], identity: Identity)], in parent: Int64) throws {
        let isComplete = try files.allSatisfy { file in
            try file.name.withUnsafeBytes { try known($0, in: parent, file.identity)?.isSame ?? false }
        }
        if isComplete { return }
        try connection.transaction {
            for file in files {
                _ = try file.name.withUnsafeBytes { try settle($0, in: parent, file.identity) }
            }
        }
    }

    /// The numbered names of a directory, at most `limit` after a number, in the order of their numbers.
    public func names(in parent: Int64, after number: Int64, limit: Int) throws -> [(number: Int64, name: [UInt8])] {
        var found: [(number: Int64, name: [UInt8])] = []
        children.bind(parent, at: 1)
        children.bind(number, at: 2)
        children.bind(Int64(limit), at: 3)
        try children.forEach {
            found.append(($0.integer(0), [UInt8]($0.bytes(1))))
            return true
        }
        return found
    }

    /// Strikes out the numbers of files that are gone, and of what was below them: none of them is given again.
    public func strike(_ numbers: [Int64]) throws {
        try connection.transaction { for number in numbers { try strike(number) } }
    }

    private func strike(_ number: Int64) throws {
        deletion.bind(number, at: 1)
        try deletion.run()
    }

    /// Notes that every name of a directory had a number at a time of its last change.
    public func setListed(_ number: Int64, at changed: Int64) throws {
        listing.bind(number, at: 1)
        listing.bind(changed, at: 2)
        try listing.run()
    }

    /// A name's number, if it has one, and whether it still means the same file.
    ///
    /// Restored from a backup together with the book, a file has another number on its disk and the same size and time.
    private func known(
        _ name: UnsafeRawBufferPointer, in parent: Int64, _ identity: Identity
    ) throws -> (numbered: Numbered, isSame: Bool, isMoved: Bool)? {
        byName.bind(parent, at: 1)
        byName.bindBlob(name, at: 2)
        return try byName.first { row in
            let entry = Self.entry(row)
            let known = entry.identity
            let isSame = known.inode == identity.inode && known.born == identity.born && known.type == identity.type
            let isMoved =
                !isSame && identity.changed <= since && known.type == identity.type
                && known.modified == identity.modified
                // The bytes of a directory are its disk's affair.
                && (known.size == identity.size || known.type == UInt32(S_IFDIR))
            let changed = isMoved ? entry.changed(known) : entry.changed(identity)
            return (Numbered(number: row.integer(0), changed: changed), isSame, isMoved)
        }
    }

    private func settle(_ name: UnsafeRawBufferPointer, in parent: Int64, _ identity: Identity) throws -> Numbered {
        if let known = try known(name, in: parent, identity) {
            if known.isSame { return known.numbered }
            if known.isMoved {
                correction.bind(known.numbered.number, at: 1)
                correction.bind(Int64(bitPattern: identity.inode), at: 2)
                correction.bind(identity.born, at: 3)
                correction.bind(identity.changed, at: 4)
                try correction.run()
                return known.numbered
            }
            try strike(known.numbered.number)
        }
        insertion.bind(parent, at: 1)
        insertion.bindBlob(name, at: 2)
        insertion.bind(Int64(bitPattern: identity.inode), at: 3)
        insertion.bind(identity.born, at: 4)
        insertion.bind(Int64(identity.type), at: 5)
        insertion.bind(identity.size, at: 6)
        insertion.bind(identity.modified, at: 7)
        insertion.bind(identity.changed, at: 8)
        try insertion.run()
        return Numbered(number: sqlite3_last_insert_rowid(connection.handle), changed: identity.changed)
    }

    private static func entry(_ row: Statement) -> Entry {
        Entry(
            parent: row.integer(1), name: [UInt8](row.bytes(2)),
            identity: Identity(
                inode: UInt64(bitPattern: row.integer(3)), born: row.integer(4),
                type: UInt32(truncatingIfNeeded: row.integer(5)), size: row.integer(6), modified: row.integer(7),
                changed: row.integer(9)),
            shown: row.isNull(10) ? nil : row.integer(10), listed: row.isNull(8) ? nil : row.integer(8))
    }

    // MARK: Generated files

    /// The time of a generated file: that of the state with this digest, or `now` for a state that is new.
    public func modified(of file: Int64, digest: ContentID, now: Int64) throws -> Int64 {
        try connection.transaction {
            state.bind(file, at: 1)
            let known = try state.first { ([UInt8]($0.bytes(0)), $0.integer(1)) }
            if let known, digest.withUnsafeBytes({ $0.elementsEqual(known.0) }) { return known.1 }
            // Two states must be told apart by their times, whatever the clock does.
            let time = max(now, (known?.1 ?? 0) &+ 1)
            stateChange.bind(file, at: 1)
            stateChange.bind(time, at: 3)
            try digest.withUnsafeBytes {
                stateChange.bindBlob($0, at: 2)
                try stateChange.run()
            }
            return time
        }
    }
}

/// What the book of numbers holds.
enum NumberBookSchema {
    /// Numbers start from a clock: should the book be lost, none of the new ones was given before.
    static let sql = """
        CREATE TABLE IF NOT EXISTS entries (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            parent INTEGER NOT NULL,
            name BLOB NOT NULL,
            inode INTEGER NOT NULL,
            born INTEGER NOT NULL,
            type INTEGER NOT NULL,
            size INTEGER NOT NULL,
            modified INTEGER NOT NULL,
            changed INTEGER NOT NULL,
            shown INTEGER,
            listed INTEGER,
            UNIQUE(parent, name)
        );
        CREATE INDEX IF NOT EXISTS entries_by_parent ON entries(parent, id);
        CREATE TABLE IF NOT EXISTS states (
            file INTEGER PRIMARY KEY,
            digest BLOB NOT NULL,
            modified INTEGER NOT NULL
        );
        INSERT INTO sqlite_sequence(name, seq)
            SELECT 'entries', (CAST(strftime('%s', 'now') AS INTEGER) - 1700000000) << 24
            WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'entries');
        """
}
