/// Schema version 6: another key for the whole store, blob by blob.
///
/// Frozen. The keys that a store has had are numbered: 0 is the first, and no number is given twice, so that a driver which
/// saw a rekey begin knows what a number means after its end. `store` has the number of the key that the fingerprint is
/// of, as `key_generation`; without it, it is 0.
enum RekeySchema {
    static let version = 6
    static let description = "Rekey"

    static let sql = """
        -- While a rekey is under way, two rows: the key that the store had, and the one that it gets.
        CREATE TABLE rekey (
            generation INTEGER PRIMARY KEY AUTOINCREMENT,
            fingerprint BLOB NOT NULL UNIQUE,
            other_key BLOB NOT NULL,      -- the other row's master key, sealed for the holder of this row's
            is_target INTEGER NOT NULL    -- 1: all contents are to be sealed under this one
        );

        -- Blobs whose file is sealed under another key than the store's.
        CREATE TABLE blob_generations (
            blob INTEGER PRIMARY KEY,
            generation INTEGER NOT NULL
        );
        CREATE TRIGGER blob_generations_removed AFTER DELETE ON blobs BEGIN
            DELETE FROM blob_generations WHERE blob = OLD.id;
        END;

        -- Secret halves of component keys that come from a key which the store had before, sealed under its key of now.
        CREATE TABLE carried_keys (
            component_id TEXT NOT NULL,
            derivation_index INTEGER NOT NULL,
            generation INTEGER NOT NULL,  -- what it is sealed under
            secret BLOB NOT NULL,
            PRIMARY KEY(component_id, derivation_index, generation)
        ) WITHOUT ROWID;
        """
}
