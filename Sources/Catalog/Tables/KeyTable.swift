internal import Foundation
internal import GRDB
public import Primitives

/// What is known of a derived key, never the key itself: a row of `keys_metadata`, or of `further_keys_metadata` for
/// types that the seed's table does not allow.
public struct KeyMetadata: Sendable, Equatable {
    /// The kinds of key.
    public enum KeyType: String, Sendable, CaseIterable {
        case mlDSA = "ml_dsa"
        case ed25519
        case secp256k1
        case x25519

        /// The table that allows the type.
        var table: String { self == .x25519 ? "further_keys_metadata" : "keys_metadata" }
    }

    /// Which component it was derived for.
    public var componentID: String
    /// Its number among the component's keys.
    public var derivationIndex: Int64
    /// The public key, as text; no two rows have the same.
    public var publicKey: String
    /// What kind of key it is.
    public var type: KeyType
    /// What it is for.
    public var purpose: String?
    /// Unix seconds.
    public var createdAt: Int64
    /// Unix seconds.
    public var lastUsed: Int64?

    /// Makes a row of a key that was derived just now.
    public init(
        componentID: String, derivationIndex: Int64, publicKey: String, type: KeyType, purpose: String? = nil,
        createdAt: Int64 = Clock.seconds
    ) {
        self.componentID = componentID
        self.derivationIndex = derivationIndex
        self.publicKey = publicKey
        self.type = type
        self.purpose = purpose
        self.createdAt = createdAt
    }

    init(_ row: Row) throws {
        let stored = row.text("key_type") ?? ""
        guard let known = KeyType(rawValue: stored) else {
            throw OsnovaError.damaged("a key of the unknown type \"\(stored)\" is in the database")
        }
        componentID = row.text("component_id") ?? ""
        derivationIndex = row.integer("derivation_index") ?? 0
        publicKey = row.text("public_key") ?? ""
        type = known
        purpose = row.text("purpose")
        createdAt = row.integer("created_at") ?? 0
        lastUsed = row.integer("last_used")
    }
}

extension Reading {
    /// The key that a component has under a number; nil where there is none.
    ///
    /// - Throws: `usage` for an id with a NUL, `damaged` for a key of an unknown type.
    public func key(of componentID: String, index: Int64) throws -> KeyMetadata? {
        try FieldCheck.text(componentID, "component of a key")
        let sql = "SELECT * FROM every_key WHERE component_id = ? AND derivation_index = ?"
        return try Row.fetchOne(database.cachedStatement(sql: sql), arguments: [componentID, index])
            .map(KeyMetadata.init)
    }

    /// The key of a public key; nil where there is none.
    ///
    /// - Throws: `usage` for a text with a NUL, `damaged` for a key of an unknown type.
    public func key(publicKey: String) throws -> KeyMetadata? {
        try FieldCheck.text(publicKey, "public key")
        let sql = "SELECT * FROM every_key WHERE public_key = ?"
        return try Row.fetchOne(database.cachedStatement(sql: sql), arguments: [publicKey]).map(KeyMetadata.init)
    }

    /// Keys by component and number, a page at a time.
    ///
    /// - Throws: `usage` for another query's cursor, or a limit outside 1…10,000.
    public func keys(
        of componentID: String? = nil, after cursor: Cursor? = nil, limit: Int = 100
    ) throws -> Page<KeyMetadata> {
        try Self.keyListing(componentID).page(database, after: cursor, limit: limit, KeyMetadata.init)
    }

    static func keyListing(_ componentID: String?) -> Listing {
        // A program that knows the seed's table alone may give a number of `further_keys_metadata` again.
        Listing("every_key", order: ["component_id", "derivation_index", "public_key"], descending: false)
            .with("component_id = ?", componentID)
    }

    /// The number that a component's next key gets: one more than its highest, 0 for its first.
    ///
    /// - Throws: `cannotCreate` where the highest number is taken, `usage` for an id with a NUL.
    public func nextKeyIndex(of componentID: String) throws -> Int64 {
        try FieldCheck.text(componentID, "component of a key")
        let sql = """
            SELECT max(highest) FROM (
                SELECT max(derivation_index) AS highest FROM keys_metadata WHERE component_id = ?1
                UNION ALL SELECT max(derivation_index) FROM further_keys_metadata WHERE component_id = ?1)
            """
        let highest = try Int64.fetchOne(database.cachedStatement(sql: sql), arguments: [componentID])
        guard let highest else { return 0 }
        guard highest < Int64.max else {
            throw OsnovaError(.cannotCreate, "\(componentID) has no free key number")
        }
        return highest + 1
    }
}

extension Writing {
    /// Inserts a key, or changes the purpose of the one that the component has under this number.
    ///
    /// - Throws: `cannotCreate` where another public key has the number, or another number the public key.
    public func save(_ key: KeyMetadata) throws {
        try FieldCheck.identifier(key.componentID, "component of a key")
        try FieldCheck.identifier(key.publicKey, "public key")
        try FieldCheck.text(key.purpose, "purpose of a key")
        try FieldCheck.count(key.derivationIndex, "index of a key")
        try FieldCheck.time(key.createdAt, "creation time of a key")
        if let known = try reading.key(of: key.componentID, index: key.derivationIndex),
            known.publicKey != key.publicKey || known.type != key.type
        {
            throw OsnovaError(
                .cannotCreate, "\(key.componentID) has another key at index \(key.derivationIndex): take the next index"
            )
        }
        if let known = try reading.key(publicKey: key.publicKey),
            known.componentID != key.componentID || known.derivationIndex != key.derivationIndex
        {
            throw OsnovaError(
                .cannotCreate, "this public key is that of key \(known.derivationIndex) of \(known.componentID) already"
            )
        }
        let sql = """
            INSERT INTO \(key.type.table)(component_id, derivation_index, public_key, key_type, purpose, created_at)
            VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT(component_id, derivation_index) DO UPDATE SET purpose = excluded.purpose
            """
        try database.cachedStatement(sql: sql).execute(arguments: [
            key.componentID, key.derivationIndex, key.publicKey, key.type.rawValue, key.purpose, key.createdAt,
        ])
    }

    /// Removes what is known of a key; false where there is nothing.
    ///
    /// The key can be derived again from the phrase.
    ///
    /// - Throws: `usage` for an id with a NUL.
    public func removeKey(of componentID: String, index: Int64) throws -> Bool {
        guard let known = try reading.key(of: componentID, index: index) else { return false }
        let sql = "DELETE FROM \(known.type.table) WHERE component_id = ? AND derivation_index = ?"
        try database.cachedStatement(sql: sql).execute(arguments: [componentID, index])
        return database.changesCount > 0
    }
}
