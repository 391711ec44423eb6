/// Schema version 5: snapshots of the tree; removed blobs are told.
///
/// Frozen. A snapshot is a copy of the nodes below a directory of its own, so that it is looked up, listed and counted like
/// the rest, and holds on to its blobs by the same link counts.
enum SnapshotSchema {
    static let version = 5
    static let description = "Snapshots, removals of blobs"

    static let sql = """
        -- The inode number that programs see, where it is that of the node that this one is a copy of.
        ALTER TABLE nodes ADD COLUMN shown INTEGER;
        -- Of a frozen document, its bytes; of a snapshot's blobs/, the newest blob of then.
        ALTER TABLE nodes ADD COLUMN size INTEGER;
        ALTER TABLE nodes ADD COLUMN document INTEGER REFERENCES frozen_documents(id);
        CREATE INDEX nodes_by_document ON nodes(document) WHERE document IS NOT NULL;

        -- The documents of snapshots; the rows that they were made of may be others now.
        CREATE TABLE frozen_documents (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            digest BLOB NOT NULL UNIQUE,
            content BLOB NOT NULL
        );

        CREATE TABLE snapshots (
            node INTEGER PRIMARY KEY REFERENCES nodes(id),
            name TEXT NOT NULL UNIQUE,
            folder TEXT NOT NULL,         -- in the data root's snapshots/: the files beside the catalog
            newest_blob INTEGER NOT NULL, -- blobs up to this one belong to it
            created_at INTEGER NOT NULL   -- Unix nanoseconds
        );

        -- Whoever removes a blob's row, mounted trees hear of it. Operation 2 is a removal, directory 3 is /blobs.
        CREATE TRIGGER blobs_removed AFTER DELETE ON blobs BEGIN
            DELETE FROM blob_tags WHERE position BETWEEN OLD.id << 16 AND OLD.id << 16 | 65535;
            UPDATE nodes SET modified_at = max(modified_at + 1, CAST(strftime('%s', 'now') AS INTEGER) * 1000000000)
                WHERE id = 3;
            INSERT INTO node_changes(operation, directory, name, inode)
                VALUES (2, 3, CAST(OLD.sha256 AS BLOB), OLD.id << 4 | 2);
        END;

        -- Not listed in the root: its parent is none.
        INSERT INTO nodes(id, parent, kind, name, modified_at)
            VALUES (6, -1, 1, CAST('.snapshots' AS BLOB), CAST(strftime('%s', 'now') AS INTEGER) * 1000000000);
        """
}
