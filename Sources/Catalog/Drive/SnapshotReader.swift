internal import Primitives
internal import Tree

/// What only the directories of snapshots have: blobs of then, documents of then, files of the data root of then.
///
/// Used by one thread at a time.
final class SnapshotReader {
    private let directory: Statement
    private let blobNamed: Statement
    private let blobs: Statement
    private let document: Statement

    init(_ connection: OpaquePointer) throws {
        func statement(_ sql: String) throws -> Statement { try Statement(sql, on: connection) }
        directory = try statement("SELECT kind, size, target FROM nodes WHERE id = ?1")
        blobNamed = try statement(BlobRow.select + " WHERE sha256 = ?1 AND id <= ?2")
        blobs = try statement(BlobRow.select + " WHERE id > ?1 AND id <= ?2 ORDER BY id")
        document = try statement(
            """
            SELECT content FROM nodes JOIN frozen_documents ON frozen_documents.id = nodes.document WHERE nodes.id = ?1
            """)
    }

    /// A blob by its name in the blobs of a snapshot; nil in every other directory.
    func lookup(_ name: UnsafeRawBufferPointer, in node: Int64) throws -> Attributes? {
        guard name.count == 2 * ContentID.byteCount, let newest = try newestBlob(ofDirectory: node) else { return nil }
        blobNamed.bindText(name, at: 1)
        blobNamed.bind(newest, at: 2)
        return try blobNamed.first { BlobRow.attributes($0) }
    }

    /// Lists the blobs of a snapshot after a row; false where the directory is another one.
    func list(
        _ node: Int64, after row: Int64, _ visit: (UnsafeRawBufferPointer, Attributes, _ row: Int64) -> Bool
    ) throws -> Bool {
        guard let newest = try newestBlob(ofDirectory: node) else { return false }
        blobs.bind(row, at: 1)
        blobs.bind(newest, at: 2)
        try blobs.forEach { visit($0.bytes(BlobRow.nameColumn), BlobRow.attributes($0), $0.integer(0)) }
        return true
    }

    func content(ofNode node: Int64) throws -> [UInt8]? {
        document.bind(node, at: 1)
        return try document.first { [UInt8]($0.bytes(0)) }
    }

    func hostedDirectory(ofNode node: Int64) throws -> [UInt8]? {
        directory.bind(node, at: 1)
        return try directory.first {
            $0.integer(0) == NodeKind.hostedDirectory.rawValue ? [UInt8]($0.bytes(2)) : nil
        }
    }

    private func newestBlob(ofDirectory node: Int64) throws -> Int64? {
        directory.bind(node, at: 1)
        return try directory.first { $0.integer(0) == NodeKind.blobDirectory.rawValue ? $0.integer(1) : nil }
    }
}
