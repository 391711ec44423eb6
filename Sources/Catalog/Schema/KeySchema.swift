/// Schema version 4: key pairs of types that the seed's `keys_metadata` does not allow.
///
/// Frozen. The same columns, so that both are read as one; a program that knows only version 1 never sees them.
enum KeySchema {
    static let version = 4
    static let description = "Keys of further types"

    static let sql = """
        CREATE TABLE further_keys_metadata (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            component_id TEXT NOT NULL,
            derivation_index INTEGER NOT NULL,
            public_key TEXT NOT NULL UNIQUE,
            key_type TEXT NOT NULL CHECK(key_type NOT IN ('ml_dsa', 'ed25519', 'secp256k1')),
            purpose TEXT,
            created_at INTEGER NOT NULL,
            last_used INTEGER,
            UNIQUE(component_id, derivation_index)
        );
        CREATE VIEW every_key AS SELECT * FROM keys_metadata UNION ALL SELECT * FROM further_keys_metadata;
        """
}
