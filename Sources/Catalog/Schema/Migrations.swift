internal import Foundation
internal import GRDB
internal import Primitives
internal import Tree

/// Brings a database to the schema that this program knows, one version after another, each in a transaction.
enum Migrations {
    static var newest: Int { steps.map(\.version).max() ?? 0 }

    /// Applies what is missing and records it in `schema_version`.
    ///
    /// Before the first migration of a database that exists, a copy of it is kept beside it, `osnova.db.before-v<n>`.
    ///
    /// - Throws: `damaged` for a newer schema, or where a migration's result is not sound.
    static func run(_ database: Database, path: String) throws {
        let first = try version(of: database)
        for step in steps where step.version > first {
            try database.inTransaction(.immediate) {
                // Another process may have been faster; what GRDB remembers of the schema is from before the lock.
                database.clearSchemaCache()
                guard try step.version > version(of: database) else { return .commit }
                if step.version == first + 1, try !isEmpty(database) {
                    try MigrationGuard.keepCopy(of: path, before: step.version)
                }
                let soundness = try MigrationGuard(before: database)
                try step.apply(database)
                try record(step.version, step.description, in: database)
                try soundness.check(database, version: step.version)
                CrashPoint.pass()
                return .commit
            }
            CrashPoint.pass()
        }
    }

    private static func isEmpty(_ database: Database) throws -> Bool {
        try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") == 0
    }

    private struct Step {
        let version: Int
        let description: String
        let apply: (Database) throws -> Void
    }

    private static var steps: [Step] {
        [
            Step(version: SeedSchema.version, description: SeedSchema.description) {
                try $0.execute(sql: SeedSchema.sql)
            },
            Step(version: TreeSchema.version, description: TreeSchema.description) { database in
                let claimed = try claimedVersion(in: database)
                try database.execute(sql: TreeSchema.sql)
                try database.execute(sql: "INSERT INTO store VALUES ('claimed_version', ?)", arguments: [claimed])
                try insertFixedNodes(database)
                try noteEveryRow(database)
            },
            Step(version: LibrarySchema.version, description: LibrarySchema.description) { database in
                try database.execute(sql: LibrarySchema.sql)
                try PackageIndex(database: database).indexEverything()
            },
            Step(version: KeySchema.version, description: KeySchema.description) {
                try $0.execute(sql: KeySchema.sql)
            },
            Step(version: SnapshotSchema.version, description: SnapshotSchema.description) {
                try $0.execute(sql: SnapshotSchema.sql)
            },
            Step(version: RekeySchema.version, description: RekeySchema.description) {
                try $0.execute(sql: RekeySchema.sql)
            },
            Step(version: CompressionSchema.version, description: CompressionSchema.description) {
                try $0.execute(sql: CompressionSchema.sql)
            },
            Step(version: PinSchema.version, description: PinSchema.description) {
                try $0.execute(sql: PinSchema.sql)
            },
            Step(version: ObservationSchema.version, description: ObservationSchema.description) {
                try $0.execute(sql: ObservationSchema.sql)
            },
        ]
    }

    /// The version to migrate from; 0 for an empty database.
    ///
    /// `schema_version` is the seed's table and anyone may write it: rows above 1 in a database that has none of our
    /// tables were not made by us. They are believed only if they leave a gap, as a jump to a future version does;
    /// how far an unbroken run of them went is kept, so that they are not taken for a newer schema later.
    static func version(of database: Database) throws -> Int {
        guard try hasTable("schema_version", in: database) else { return 0 }
        let claimed = try claimedVersion(in: database)
        guard try hasTable("store", in: database) else {
            let rows = try Int.fetchOne(database, sql: "SELECT count(*) FROM schema_version WHERE version > 0") ?? 0
            if claimed > newest, claimed != rows { throw newer(claimed) }
            return min(claimed, SeedSchema.version)
        }
        let own = try storedInteger("schema_version", in: database) ?? 0
        let tolerated = max(newest, try storedInteger("claimed_version", in: database) ?? 0)
        if own > newest || claimed > tolerated { throw newer(max(own, claimed)) }
        return own
    }

    /// GRDB's own look remembers that a table was missing, though another process makes it meanwhile.
    private static func hasTable(_ name: String, in database: Database) throws -> Bool {
        let sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        return try Row.fetchOne(database, sql: sql, arguments: [name]) != nil
    }

    private static func claimedVersion(in database: Database) throws -> Int {
        try Int.fetchOne(database, sql: "SELECT max(version) FROM schema_version") ?? 0
    }

    private static func storedInteger(_ key: String, in database: Database) throws -> Int? {
        try Int.fetchOne(database, sql: "SELECT value FROM store WHERE key = ?", arguments: [key])
    }

    private static func newer(_ version: Int) -> OsnovaError {
        OsnovaError.damaged(
            "the database has schema version \(version), this program knows \(newest): use a newer osnovafs")
    }

    private static func record(_ version: Int, _ description: String, in database: Database) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO schema_version(version, applied_at, description) VALUES (?, ?, ?)",
            arguments: [version, Clock.seconds, description])
        if version >= TreeSchema.version {
            try database.execute(sql: "INSERT OR REPLACE INTO store VALUES ('schema_version', ?)", arguments: [version])
        }
    }

    private static func insertFixedNodes(_ database: Database) throws {
        for node in FixedNode.allCases where node.rawValue <= FixedNode.files.rawValue {
            try database.execute(
                sql: "INSERT INTO nodes(id, parent, kind, name, modified_at) VALUES (?, ?, ?, ?, ?)",
                arguments: [
                    node.rawValue, node == .root ? -1 : FixedNode.root.rawValue, NodeKind.directory.rawValue,
                    Data(node.name.utf8), Clock.nanoseconds,
                ])
        }
        // Ids below 64 stay free for fixed nodes of later versions: AUTOINCREMENT never goes back.
        try database.execute(
            sql: """
                INSERT INTO nodes(id, parent, kind, name, modified_at) VALUES (63, -1, 0, x'00', 0);
                DELETE FROM nodes WHERE id = 63;
                """)
    }

    private static func noteEveryRow(_ database: Database) throws {
        let tables: [(String, String, RowKind)] = [
            ("components", "component_id", .component), ("applications", "application_id", .application),
            ("autonomi_cache", "autonomi_address", .cacheEntry),
        ]
        for (table, key, kind) in tables {
            try database.execute(
                sql: """
                    INSERT INTO dirty_rows(kind, key)
                    SELECT DISTINCT \(kind.rawValue), CAST(\(key) AS BLOB) FROM \(table) WHERE \(key) IS NOT NULL
                    """)
        }
    }
}
