/// Schema version 3: messages, what full-text search and manifest queries need, counters for observers.
///
/// Frozen. What runs in foreign writers is plain SQL: no trigger touches a full-text table or a JSON function, which
/// their SQLite may lack; an index over JSON would refuse a row whose manifest is none. Our own processes read the
/// rows that were noted and fill `package_search`, `message_search` and `manifest_fields`.
enum LibrarySchema {
    static let version = 3
    static let description = "Messages, full-text search, manifest fields, change counters"

    static let sql = tables + search + pages + counters

    private static let tables = """
        CREATE TABLE messages (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            channel TEXT NOT NULL,
            sender TEXT NOT NULL,
            timestamp INTEGER NOT NULL,    -- Unix seconds
            body TEXT,
            attachment_hash TEXT REFERENCES blobs(sha256),
            CHECK(body IS NOT NULL OR attachment_hash IS NOT NULL)
        );
        CREATE INDEX messages_by_channel ON messages(channel, timestamp, id);
        CREATE INDEX messages_by_sender ON messages(sender, timestamp, id);
        CREATE INDEX messages_by_time ON messages(timestamp, id);
        CREATE INDEX messages_by_attachment ON messages(attachment_hash) WHERE attachment_hash IS NOT NULL;

        -- Which process a registration means: its number alone may be given to another one.
        CREATE TABLE registry_processes (
            component_id TEXT PRIMARY KEY,
            pid INTEGER NOT NULL,
            start_time INTEGER NOT NULL,   -- clock ticks after boot
            origin TEXT NOT NULL           -- the boot and the PID namespace
        ) WITHOUT ROWID;

        -- Every scalar of every manifest, so that a question about any path is answered by an index.
        CREATE TABLE manifest_fields (
            kind INTEGER NOT NULL,
            path TEXT NOT NULL,
            value TEXT NOT NULL,
            key BLOB NOT NULL,
            PRIMARY KEY(kind, path, value, key)
        ) WITHOUT ROWID;
        CREATE INDEX manifest_fields_by_key ON manifest_fields(kind, key);
        """

    private static let search = """

        CREATE TABLE search_documents (
            id INTEGER PRIMARY KEY,        -- the row of package_search
            kind INTEGER NOT NULL,
            key BLOB NOT NULL,
            digest BLOB NOT NULL,          -- of what was indexed
            UNIQUE(kind, key)
        );
        CREATE VIRTUAL TABLE package_search USING fts5(
            name, description, author, identifier, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3');
        INSERT INTO package_search(package_search, rank) VALUES ('rank', 'bm25(8.0, 2.0, 3.0, 4.0)');
        CREATE VIRTUAL TABLE message_search USING fts5(
            body, channel, sender, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3');
        INSERT INTO message_search(message_search, rank) VALUES ('rank', 'bm25(4.0, 1.0, 2.0)');

        -- Messages that the full-text index has yet to read.
        CREATE TABLE message_changes (id INTEGER PRIMARY KEY);
        CREATE TRIGGER messages_indexed_added AFTER INSERT ON messages BEGIN
            INSERT INTO message_changes(id) SELECT NEW.id WHERE NOT EXISTS (
                SELECT 1 FROM message_changes WHERE id = NEW.id);
        END;
        CREATE TRIGGER messages_indexed_changed AFTER UPDATE OF id, body, channel, sender ON messages BEGIN
            INSERT INTO message_changes(id) SELECT OLD.id WHERE NOT EXISTS (
                SELECT 1 FROM message_changes WHERE id = OLD.id);
            INSERT INTO message_changes(id) SELECT NEW.id WHERE NOT EXISTS (
                SELECT 1 FROM message_changes WHERE id = NEW.id);
        END;
        CREATE TRIGGER messages_indexed_removed AFTER DELETE ON messages BEGIN
            INSERT INTO message_changes(id) SELECT OLD.id WHERE NOT EXISTS (
                SELECT 1 FROM message_changes WHERE id = OLD.id);
        END;
        """

    /// A page of a listing is read from an index in the order of the page, whatever rows tie.
    private static let pages = """

        CREATE INDEX components_by_installation ON components(installed_at, component_id);
        CREATE INDEX components_by_kind ON components(type, installed_at, component_id);
        CREATE INDEX components_by_author ON components(author, installed_at, component_id);
        CREATE INDEX applications_by_installation ON applications(installed_at, application_id);
        CREATE INDEX applications_by_launch ON applications(last_launched, application_id);
        CREATE INDEX registry_by_status ON component_registry(status, component_id);
        CREATE INDEX transactions_by_time ON wallet_transactions(timestamp, tx_hash);
        CREATE INDEX transactions_by_payer ON wallet_transactions(from_address, timestamp, tx_hash);
        CREATE INDEX transactions_by_payee ON wallet_transactions(to_address, timestamp, tx_hash);
        CREATE INDEX transactions_by_status ON wallet_transactions(status, timestamp, tx_hash);
        CREATE INDEX transactions_by_component ON wallet_transactions(component_id, timestamp, tx_hash)
            WHERE component_id IS NOT NULL;
        CREATE INDEX cache_by_access ON autonomi_cache(last_accessed, autonomi_address);
        """

    private static let counters =
        "\nCREATE TABLE change_counters (listing TEXT PRIMARY KEY, changes INTEGER NOT NULL) WITHOUT ROWID;\n"
        + [
            ("components", "components"), ("applications", "applications"), ("component_registry", "registry"),
            ("keys_metadata", "keys"), ("wallet_transactions", "transactions"), ("autonomi_cache", "cache"),
            ("user_preferences", "preferences"), ("messages", "messages"),
        ].map { count($0.0, as: $0.1) }.joined()

    private static func count(_ table: String, as listing: String) -> String {
        let step = "UPDATE change_counters SET changes = changes + 1 WHERE listing = '\(listing)';"
        return """
            INSERT INTO change_counters VALUES ('\(listing)', 0);
            CREATE TRIGGER \(table)_counted_added AFTER INSERT ON \(table) BEGIN \(step) END;
            CREATE TRIGGER \(table)_counted_changed AFTER UPDATE ON \(table) BEGIN \(step) END;
            CREATE TRIGGER \(table)_counted_removed AFTER DELETE ON \(table) BEGIN \(step) END;

            """
    }
}
