internal import Primitives
internal import Tree

/// The digests of what the catalog shows, without reading any of it.
///
/// Used by one thread at a time.
public final class ChecksumList {
    private let connection: Connection
    private let nodes: Statement
    private let blobs: Statement

    /// Opens a connection to a database that a ``Catalog`` has brought up to date.
    public init(path: String) throws {
        connection = try Connection(path: path)
        // No way down leads to the root, whatever a forged row says: it would have no end.
        nodes = try Statement(
            """
            WITH RECURSIVE tree(id, blob, digest, path) AS (
                SELECT id, blob, manifest_digest, name FROM nodes WHERE parent = 0 AND id <> 0
                UNION ALL
                SELECT nodes.id, nodes.blob, nodes.manifest_digest, CAST(tree.path || '/' || nodes.name AS BLOB)
                FROM nodes JOIN tree ON nodes.parent = tree.id WHERE nodes.id <> 0)
            SELECT path, sha256, digest FROM tree LEFT JOIN blobs ON blobs.id = tree.blob
            WHERE sha256 IS NOT NULL OR digest IS NOT NULL
            """, on: connection.handle)
        blobs = try Statement("SELECT sha256 FROM blobs ORDER BY id", on: connection.handle)
    }

    /// Calls `visit` with each file of the catalog, by the path from the mount's root, and its digest in hexadecimal.
    ///
    /// Documents that are made of columns are left out: they change with every use of what they tell of.
    public func forEachFile(_ visit: (_ path: [UInt8], _ digest: [UInt8]) throws -> Void) throws {
        let manifest = Array("/\(Inode.Document.manifest.fileName)".utf8)
        try nodes.forEach { row in
            let path = [UInt8](row.bytes(0))
            if row.isNull(1) {
                try visit(path + manifest, Array(Hexadecimal.string(row.bytes(2)).utf8))
            } else {
                try visit(path, [UInt8](row.bytes(1)))
            }
            return true
        }
        let directory = Array("\(FixedNode.blobs.name)/".utf8)
        try forEachBlob { try visit(directory + $0, $0) }
    }

    /// Calls `visit` with the digest of each blob in hexadecimal, which is also its name.
    public func forEachBlob(_ visit: (_ digest: [UInt8]) throws -> Void) throws {
        try blobs.forEach { row in
            try visit([UInt8](row.bytes(0)))
            return true
        }
    }
}
