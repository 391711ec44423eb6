internal import Foundation
internal import GRDB
public import Primitives
internal import Tree

extension Reading {
    /// The next blobs by row that nothing refers to, at most `limit`.
    public func unreferencedBlobs(after row: Int64, limit: Int) throws -> [BlobRecord] {
        let isFree = try BlobReferences.noneExists(toHash: "blobs.sha256", row: "blobs.id", in: database)
        return try Row.fetchAll(
            database.cachedStatement(
                sql: "SELECT * FROM blobs WHERE id > ? AND \(isFree) ORDER BY id LIMIT ?"),
            arguments: [row, limit]
        ).compactMap(BlobRecord.init)
    }

    /// Whether nothing refers to a content, be it that it has a row or none.
    public func isUnreferenced(_ id: ContentID) throws -> Bool {
        let row = try Int64.fetchOne(
            database.cachedStatement(sql: "SELECT id FROM blobs WHERE sha256 = ?"), arguments: [id.hex])
        let isFree = try BlobReferences.noneExists(toHash: "?1", row: row.map { "\($0)" }, in: database)
        return try Bool.fetchOne(database, sql: "SELECT ?1 IS NOT NULL AND \(isFree)", arguments: [id.hex]) == true
    }
}

extension Reading {
    /// The content ids that rows of any program refer to and that no blob row has.
    public func danglingReferences() throws -> [String] {
        let present = try BlobReferences.sources.filter {
            try !$0.isRow && BlobReferences.exists($0.table, in: database)
        }
        guard !present.isEmpty else { return [] }
        let hashes = present.map {
            "SELECT CAST(\($0.column) AS TEXT) AS hash FROM \($0.table) WHERE \($0.column) IS NOT NULL"
        }.joined(separator: " UNION ")
        return try String.fetchAll(
            database,
            sql: "SELECT hash FROM (\(hashes)) WHERE hash NOT IN (SELECT sha256 FROM blobs) ORDER BY hash")
    }
}

extension Writing {
    /// Forgets a blob that nothing refers to, with its tags and its name.
    ///
    /// - Returns: whether the content is free of rows and references now; false where something refers to it.
    public func forgetBlob(_ id: ContentID) throws -> Bool {
        guard try reading.isUnreferenced(id) else { return false }
        guard let row = try nodes.blobID(of: id) else { return true }
        try nodes.run(
            "DELETE FROM blob_tags WHERE position BETWEEN ? AND ?",
            [TagPage.position(blob: row, page: 0), TagPage.position(blob: row, page: 0xFFFF)])
        try nodes.run("DELETE FROM blobs WHERE id = ?", [row])
        try nodes.touch(FixedNode.blobs.rawValue)
        try nodes.logRemoved(Data(id.hex.utf8), in: FixedNode.blobs.rawValue, inode: .blob(row))
        return true
    }
}
