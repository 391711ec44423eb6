internal import GRDB
internal import Primitives

/// What everybody may know of a derived key pair: a row of `keys_metadata`, or of `further_keys_metadata` for types that
/// the seed's table does not allow.
public struct KeyRecord: Sendable, Equatable {
    /// Whose key it is.
    public var componentID: String
    /// Its number among the component's keys.
    public var index: Int64
    /// Lower-case hexadecimal.
    public var publicKey: String
    /// `ed25519`, `secp256k1`, `ml_dsa`, `x25519`.
    public var type: String
    /// What its owner says it is for.
    public var purpose: String?
    /// Unix time in seconds.
    public var createdAt: Int64

    /// Gathers a record.
    public init(
        componentID: String, index: Int64, publicKey: String, type: String, purpose: String? = nil, createdAt: Int64
    ) {
        self.componentID = componentID
        self.index = index
        self.publicKey = publicKey
        self.type = type
        self.purpose = purpose
        self.createdAt = createdAt
    }

    init(row: Row) {
        // Other programs write the table, and SQLite lets them write anything.
        componentID = row["component_id"] ?? ""
        index = row["derivation_index"] ?? 0
        publicKey = row["public_key"] ?? ""
        type = row["key_type"] ?? ""
        purpose = row["purpose"]
        createdAt = row["created_at"] ?? 0
    }
}

/// The types that the seed's CHECK allows.
private let seedTypes: Set<String> = ["ml_dsa", "ed25519", "secp256k1"]

private let everyKey = """
    SELECT component_id, CAST(derivation_index AS INTEGER) AS derivation_index, CAST(public_key AS TEXT) AS public_key,
        key_type, CAST(purpose AS TEXT) AS purpose, CAST(created_at AS INTEGER) AS created_at
    FROM (SELECT * FROM keys_metadata UNION ALL SELECT * FROM further_keys_metadata)
    """

extension Reading {
    /// Every key pair, by component and number.
    public func keys() throws -> [KeyRecord] {
        try Row.fetchAll(database, sql: everyKey + " ORDER BY component_id, derivation_index, key_type")
            .map(KeyRecord.init)
    }

    /// The key pair of a public key in lower-case hexadecimal.
    public func key(publicKey: String) throws -> KeyRecord? {
        try Row.fetchOne(database, sql: everyKey + " WHERE public_key = ?", arguments: [publicKey]).map(KeyRecord.init)
    }

    /// The key pair of a component by number.
    public func key(of componentID: String, index: Int64) throws -> KeyRecord? {
        try Row.fetchOne(
            database, sql: everyKey + " WHERE component_id = ? AND derivation_index = ?",
            arguments: [componentID, index]
        ).map(KeyRecord.init)
    }

    /// The highest number of a component's keys; nil where it has none.
    public func highestKeyIndex(of componentID: String) throws -> Int64? {
        try Int64.fetchOne(
            database, sql: "SELECT max(derivation_index) FROM (\(everyKey)) WHERE component_id = ?",
            arguments: [componentID])
    }
}

extension Writing {
    /// Records a key pair.
    ///
    /// - Throws: `cannotCreate` where the number or the public key is another's.
    public func saveKey(_ key: KeyRecord) throws {
        let table = seedTypes.contains(key.type) ? "keys_metadata" : "further_keys_metadata"
        do {
            try database.execute(
                sql: """
                    INSERT INTO \(table)
                        (component_id, derivation_index, public_key, key_type, purpose, created_at)
                    VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [key.componentID, key.index, key.publicKey, key.type, key.purpose, key.createdAt])
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
            throw OsnovaError(
                .cannotCreate, "key \(key.index) of \(key.componentID) cannot be recorded: another key has its place")
        }
    }
}
