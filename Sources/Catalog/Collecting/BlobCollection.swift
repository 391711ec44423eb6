internal import Foundation
internal import GRDB
public import Primitives
internal import Tree

extension Reading {
    /// The next blobs by row that no table of ours or of the seed refers to, at most `limit`; see ``unreferenced(_:)``.
    public func unreferencedBlobs(after row: Int64, limit: Int) throws -> [BlobRecord] {
        let isFree = try BlobReferences.noneExists(toHash: "blobs.sha256", row: "blobs.id", in: database)
        return try blobs(after: row, where: isFree, limit: limit)
    }

    /// Those of some contents that nothing refers to, be it that they have rows or none.
    public func unreferenced(_ ids: [ContentID]) throws -> Set<ContentID> {
        let elsewhere = try ForeignTables.namedContents(in: database)
        return try Set(ids.filter { try !elsewhere.contains($0) && isUnreferenced($0) })
    }

    private func isUnreferenced(_ id: ContentID) throws -> Bool {
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
            try $0.holds == .hash && BlobReferences.exists($0.table, in: database)
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
    /// Forgets those of some blobs that nothing refers to, with their tags.
    ///
    /// - Returns: the contents that are free of rows and references now.
    public func forgetBlobs(_ ids: [ContentID]) throws -> Set<ContentID> {
        let free = try reading.unreferenced(ids)
        for id in free { try forget(id) }
        return free
    }

    private func forget(_ id: ContentID) throws {
        guard let row = try nodes.blobID(of: id) else { return }
        // A trigger takes the tags with it and tells of the removal, whoever removes the row.
        try nodes.run("DELETE FROM blobs WHERE id = ?", [row])
    }
}
