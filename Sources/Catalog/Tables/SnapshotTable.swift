internal import Foundation
internal import GRDB
internal import Primitives
public import Tree

/// A snapshot of the tree.
public struct SnapshotRecord: Sendable {
    /// The name below `.snapshots`.
    public let name: String
    /// The directory of the data root's `snapshots/` that holds the files beside the catalog.
    public let folder: String
    /// Unix nanoseconds.
    public let created: Int64
    let node: Int64
    let newestBlob: Int64

    init(_ row: Row) {
        name = row.text("name") ?? ""
        folder = row.text("folder") ?? ""
        created = row.integer("created_at") ?? 0
        node = row.integer("node") ?? 0
        newestBlob = row.integer("newest_blob") ?? 0
    }
}

extension Reading {
    /// All snapshots, oldest first.
    public func snapshots() throws -> [SnapshotRecord] {
        try Row.fetchAll(database, sql: "SELECT * FROM snapshots ORDER BY created_at, node").map(SnapshotRecord.init)
    }

    /// Whether every row that programs changed has its nodes.
    public func isSettled() throws -> Bool {
        try Bool.fetchOne(database, sql: "SELECT NOT EXISTS (SELECT 1 FROM dirty_rows)") ?? true
    }
}

extension Writing {
    /// The documents that the nodes show now, made by a reader of the state before this transaction.
    public typealias Documents = (_ document: Inode.Document, _ node: Int64) throws -> (
        content: [UInt8], modified: Int64
    )?

    /// An inode number has no room for a larger row.
    private static let largestNode: Int64 = (1 << 59) - 1

    /// Copies the tree of now below `.snapshots`.
    ///
    /// - Parameters:
    ///   - folder: the directory in the data root's `snapshots/`.
    ///   - components: names of the components that have a directory there.
    /// - Throws: `damaged` where there is no number left for a node.
    public func createSnapshot(
        _ name: String, folder: String, components: Set<[UInt8]>, documents: Documents
    ) throws {
        let last = try Int64.fetchOne(database, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'nodes'") ?? 63
        guard last < Self.largestNode else {
            throw OsnovaError.damaged("the numbers of the database's nodes are used up or forged: nothing was done")
        }
        let base = last + 1
        let newest = try Int64.fetchOne(database, sql: "SELECT max(id) FROM blobs") ?? 0
        let holders = try holders()
        try numberCopies(from: base)
        try copyNodes(as: name)
        try nodes.run(
            "UPDATE nodes SET kind = ?, size = ? WHERE id = ?",
            [NodeKind.blobDirectory.rawValue, newest, copy(of: FixedNode.blobs.rawValue)])
        try host("snapshots/\(folder)", at: base)
        try host("snapshots/\(folder)/components", at: copy(of: FixedNode.components.rawValue))
        for holder in holders {
            let copy = try copy(of: holder.id)
            if components.contains(Array(holder.name)) {
                let path = Data("snapshots/\(folder)/components/".utf8) + holder.name
                try nodes.run(
                    "UPDATE nodes SET kind = ?, target = ? WHERE id = ?",
                    [NodeKind.hostedDirectory.rawValue, path, copy])
            }
            for document in Inode.Document.allCases {
                guard let found = try documents(document, holder.id) else { continue }
                try freeze(document, of: holder.id, found.content, found.modified, in: copy)
            }
        }
        try nodes.run("UPDATE blobs SET links = links + 1 WHERE id <= ?", [newest])
        try nodes.run(
            "INSERT INTO snapshots(node, name, folder, newest_blob, created_at) VALUES (?, ?, ?, ?, ?)",
            [base, name, folder, newest, nodes.now])
        try nodes.touch(FixedNode.snapshots.rawValue)
        try nodes.logAdded(Data(name.utf8), in: FixedNode.snapshots.rawValue)
        // Every blob has a name more.
        try nodes.logEverything()
    }

    /// Removes a snapshot with all that only it needs.
    ///
    /// A forged row may have the snapshot below itself, or the root: from neither does the way down lead back there.
    public func removeSnapshot(_ snapshot: SnapshotRecord) throws {
        try nodes.run("DELETE FROM snapshots WHERE node = ?", [snapshot.node])
        try nodes.run(
            """
            WITH RECURSIVE tree(id) AS (
                SELECT ?1 UNION ALL
                SELECT nodes.id FROM nodes JOIN tree ON nodes.parent = tree.id WHERE nodes.id <> ?1)
            DELETE FROM nodes WHERE id IN (SELECT id FROM tree)
            """, [snapshot.node])
        try nodes.run("UPDATE blobs SET links = links - 1 WHERE id <= ?", [snapshot.newestBlob])
        try nodes.run(
            """
            DELETE FROM frozen_documents WHERE NOT EXISTS (
                SELECT 1 FROM nodes WHERE nodes.document = frozen_documents.id)
            """, [])
        try nodes.touch(FixedNode.snapshots.rawValue)
        try nodes.logRemoved(
            Data(snapshot.name.utf8), in: FixedNode.snapshots.rawValue, inode: .node(snapshot.node))
        try nodes.logEverything()
    }

    /// The nodes that show documents.
    private func holders() throws -> [(id: Int64, name: Data)] {
        try Row.fetchAll(
            database, sql: "SELECT id, name FROM nodes WHERE kind IN (?, ?) ORDER BY id",
            arguments: [NodeKind.component.rawValue, NodeKind.application.rawValue]
        ).map { ($0.integer("id") ?? 0, $0.bytes("name") ?? Data()) }
    }

    /// Gives every node of the tree the id of its copy: behind all ids that were given, one after another in the
    /// originals' order, so that listings keep theirs.
    ///
    /// Ids are never given again and end at 2^59: to move each by the same distance instead would use up as many ids as
    /// there had ever been, so that sixty snapshots would be the last.
    private func numberCopies(from base: Int64) throws {
        try nodes.run(
            "CREATE TEMP TABLE IF NOT EXISTS snapshot_copies(original INTEGER PRIMARY KEY, copy INTEGER NOT NULL)", [])
        try nodes.run("DELETE FROM temp.snapshot_copies", [])
        try nodes.run(
            """
            WITH RECURSIVE tree(id) AS (
                SELECT 0 UNION ALL
                SELECT nodes.id FROM nodes JOIN tree ON nodes.parent = tree.id WHERE nodes.id <> 0)
            INSERT INTO temp.snapshot_copies SELECT id, ? + row_number() OVER (ORDER BY id) - 1 FROM tree
            """, [base])
    }

    private func copy(of node: Int64) throws -> Int64 {
        let found = try Int64.fetchOne(
            database, sql: "SELECT copy FROM temp.snapshot_copies WHERE original = ?", arguments: [node])
        guard let found else { throw OsnovaError.damaged("the tree lacks the node \(node): nothing was done") }
        return found
    }

    /// Copies every node of the tree as a plain directory, link or file without a key, which no row will ever change.
    ///
    private func copyNodes(as name: String) throws {
        try nodes.run(
            """
            INSERT INTO nodes(id, parent, kind, name, blob, target, modified_at, shown)
            SELECT own.copy, CASE nodes.id WHEN 0 THEN ?1 ELSE above.copy END,
                CASE WHEN blob IS NOT NULL THEN ?2 WHEN kind = ?3 THEN ?3 ELSE ?4 END,
                CASE nodes.id WHEN 0 THEN ?5 ELSE name END, blob, target, modified_at, nodes.id << 4 | 1
            FROM temp.snapshot_copies AS own JOIN nodes ON nodes.id = own.original
                LEFT JOIN temp.snapshot_copies AS above ON above.original = nodes.parent
            ORDER BY own.copy
            """,
            [
                FixedNode.snapshots.rawValue, NodeKind.file.rawValue, NodeKind.symbolicLink.rawValue,
                NodeKind.directory.rawValue, Data(name.utf8),
            ])
    }

    private func host(_ path: String, at node: Int64) throws {
        try nodes.run(
            "UPDATE nodes SET kind = ?, target = ? WHERE id = ?",
            [NodeKind.hostedDirectory.rawValue, Data(path.utf8), node])
    }

    private func freeze(
        _ document: Inode.Document, of node: Int64, _ content: [UInt8], _ modified: Int64, in copy: Int64
    ) throws {
        let digest = try Data(content.withUnsafeBytes { try SHA256.digest($0) }.withUnsafeBytes { Array($0) })
        try nodes.run(
            "INSERT OR IGNORE INTO frozen_documents(digest, content) VALUES (?, ?)", [digest, Data(content)])
        try nodes.run(
            """
            INSERT INTO nodes(parent, kind, name, modified_at, shown, size, document)
            SELECT ?, ?, ?, ?, ?, ?, id FROM frozen_documents WHERE digest = ?
            """,
            [
                copy, NodeKind.frozenDocument.rawValue, Data(document.fileName.utf8), modified,
                Int64(bitPattern: Inode.document(document, node: node).number), content.count, digest,
            ])
    }
}
