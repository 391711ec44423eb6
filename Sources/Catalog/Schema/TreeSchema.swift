/// Schema version 2: sealed blobs with their chunk tags, the nodes of the mounted tree, and how changes reach it.
///
/// Frozen. Times are Unix nanoseconds. The triggers run inside whatever program writes a seed table, so they use
/// nothing but plain SQL, insert nothing that can conflict, and only note which rows changed.
enum TreeSchema {
    static let version = 2
    static let description = "Blobs, nodes of the mounted tree, change log"

    static let sql = tables + triggers

    private static let tables = """
        -- What the store knows of itself: its key's fingerprint, its own schema version.
        CREATE TABLE store (
            key TEXT PRIMARY KEY,
            value
        ) WITHOUT ROWID;

        CREATE TABLE blobs (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            sha256 TEXT NOT NULL UNIQUE CHECK(length(sha256) = 64 AND sha256 NOT GLOB '*[^0-9a-f]*'),
            size INTEGER NOT NULL CHECK(size >= 0),
            nonce BLOB CHECK(length(nonce) = 12), -- NULL until the file was verified as a whole
            media_type INTEGER NOT NULL DEFAULT 0,
            links INTEGER NOT NULL DEFAULT 0,     -- names other than the one in /blobs
            created_at INTEGER NOT NULL,
            verified_at INTEGER
        );
        CREATE INDEX blobs_by_size ON blobs(size);

        -- 64 chunk tags (4 MiB of plaintext) a row. One integer key keeps a row whole in its page:
        -- blob << 16 | page.
        CREATE TABLE blob_tags (
            position INTEGER PRIMARY KEY,
            tags BLOB NOT NULL
        );

        CREATE TABLE nodes (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            parent INTEGER NOT NULL,       -- the node that is the directory
            kind INTEGER NOT NULL,
            name BLOB NOT NULL,
            key BLOB,                      -- the id of the row that the node shows
            blob INTEGER REFERENCES blobs(id),
            target BLOB,                   -- of a symbolic link
            modified_at INTEGER NOT NULL,  -- a directory's entries changed
            manifest_at INTEGER,
            metadata_at INTEGER,
            status_at INTEGER,             -- NULL: no status is shown
            manifest_digest BLOB,
            UNIQUE(parent, name)
        );
        CREATE INDEX nodes_by_parent ON nodes(parent);
        CREATE INDEX nodes_by_key ON nodes(kind, key) WHERE key IS NOT NULL;
        CREATE INDEX nodes_by_blob ON nodes(blob) WHERE blob IS NOT NULL;
        CREATE TRIGGER nodes_link AFTER INSERT ON nodes WHEN NEW.blob IS NOT NULL BEGIN
            UPDATE blobs SET links = links + 1 WHERE id = NEW.blob;
        END;
        CREATE TRIGGER nodes_unlink AFTER DELETE ON nodes WHEN OLD.blob IS NOT NULL BEGIN
            UPDATE blobs SET links = links - 1 WHERE id = OLD.blob;
        END;
        CREATE TRIGGER nodes_relink AFTER UPDATE OF blob ON nodes WHEN OLD.blob IS NOT NEW.blob BEGIN
            UPDATE blobs SET links = links - 1 WHERE id = OLD.blob;
            UPDATE blobs SET links = links + 1 WHERE id = NEW.blob;
        END;

        -- Rows of the seed's tables whose nodes are to be looked at again.
        CREATE TABLE dirty_rows (
            kind INTEGER NOT NULL,
            key BLOB NOT NULL,
            PRIMARY KEY(kind, key)
        ) WITHOUT ROWID;

        -- Rows that refer to a blob which is not there yet.
        CREATE TABLE waiting_rows (
            kind INTEGER NOT NULL,
            key BLOB NOT NULL,
            PRIMARY KEY(kind, key)
        ) WITHOUT ROWID;

        -- What mounted trees must tell their kernels.
        CREATE TABLE node_changes (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            operation INTEGER NOT NULL,
            directory INTEGER,
            name BLOB,
            inode INTEGER
        );

        CREATE INDEX components_by_artifact ON components(
            coalesce(autonomi_address, 'local:' || component_id || '@' || version));
        CREATE INDEX applications_by_icon ON applications(icon_blob_hash) WHERE icon_blob_hash IS NOT NULL;
        CREATE INDEX cache_by_blob ON autonomi_cache(blob_hash);
        """

    private static let triggers =
        watch("components", key: "component_id", as: .component)
        + watch("component_registry", key: "component_id", as: .status)
        + watch("applications", key: "application_id", as: .application)
        + watch("autonomi_cache", key: "autonomi_address", as: .cacheEntry, columns: ["autonomi_address", "blob_hash"])

    private static func watch(_ table: String, key: String, as kind: RowKind, columns: [String] = []) -> String {
        func note(_ row: String) -> String {
            let id = "CAST(\(row).\(key) AS BLOB)"
            return """
                INSERT INTO dirty_rows(kind, key) SELECT \(kind.rawValue), \(id)
                    WHERE \(row).\(key) IS NOT NULL AND NOT EXISTS (
                        SELECT 1 FROM dirty_rows WHERE kind = \(kind.rawValue) AND key = \(id));
                """
        }
        let of = columns.isEmpty ? "" : " OF \(columns.joined(separator: ", "))"
        return """

            CREATE TRIGGER \(table)_added AFTER INSERT ON \(table) BEGIN \(note("NEW")) END;
            CREATE TRIGGER \(table)_changed AFTER UPDATE\(of) ON \(table) BEGIN \(note("OLD")) \(note("NEW")) END;
            CREATE TRIGGER \(table)_removed AFTER DELETE ON \(table) BEGIN \(note("OLD")) END;
            """
    }
}

/// The tables that triggers watch; the raw values are in the database.
enum RowKind: Int64 {
    case component = 1
    case application = 2
    case cacheEntry = 3
    case status = 4
}
