internal import Foundation
internal import GRDB
internal import Primitives
internal import Tree

/// What a node is; the raw values are in the database.
enum NodeKind: Int64 {
    case directory = 1
    case component = 2
    case application = 3
    case cacheEntry = 4
    case artifact = 5
    case icon = 6
    case symbolicLink = 7
    case file = 8
    /// A document of a snapshot.
    case frozenDocument = 9
    /// A directory of a snapshot that also shows what lies in the directory of the data root that its target names.
    case hostedDirectory = 10
    /// The blobs of a snapshot.
    case blobDirectory = 11
}

/// The elementary changes of the tree: each keeps link counts, directory times and the change log right.
struct NodeWriter {
    let database: Database
    /// Unix nanoseconds of this transaction.
    let now: Int64
    let probe: Catalog.BlobProbe
    let memory = TransactionMemory()

    /// A node as the index needs it.
    struct Node {
        let id: Int64
        let kind: Int64
        let parent: Int64
        let name: Data
        let blob: Int64?

        init(_ row: Row) {
            id = row.integer("id") ?? 0
            kind = row.integer("kind") ?? 0
            parent = row.integer("parent") ?? 0
            name = row.bytes("name") ?? Data()
            blob = row.integer("blob")
        }
    }

    private static let columns = "id, kind, parent, name, blob"

    // MARK: Finding

    func node(named name: Data, in parent: Int64) throws -> Node? {
        try one("parent = ? AND name = ?", [parent, name])
    }

    func node(of kind: NodeKind, key: Data) throws -> Node? {
        try one("kind = ? AND key = ?", [kind.rawValue, key])
    }

    func children(of parent: Int64, kind: NodeKind? = nil) throws -> [Node] {
        let rows = try Row.fetchAll(
            database.cachedStatement(
                sql: "SELECT \(Self.columns) FROM nodes WHERE parent = ?1 AND (?2 IS NULL OR kind = ?2) ORDER BY id"),
            arguments: [parent, kind?.rawValue])
        return rows.map(Node.init)
    }

    /// Where a symbolic link points; nil for what is none.
    func target(of node: Int64) throws -> Data? {
        try Row.fetchOne(database.cachedStatement(sql: "SELECT target FROM nodes WHERE id = ?"), arguments: [node])?
            .bytes("target")
    }

    private func one(_ condition: String, _ arguments: StatementArguments) throws -> Node? {
        let sql = "SELECT \(Self.columns) FROM nodes WHERE \(condition)"
        return try Row.fetchOne(database.cachedStatement(sql: sql), arguments: arguments).map(Node.init)
    }

    // MARK: Changing

    @discardableResult
    func insert(
        _ kind: NodeKind, named name: Data, in parent: Int64, key: Data? = nil, blob: Int64? = nil,
        target: Data? = nil
    ) throws -> Int64 {
        try run(
            """
            INSERT INTO nodes(parent, kind, name, key, blob, target, modified_at) VALUES (?, ?, ?, ?, ?, ?, ?)
            """, [parent, kind.rawValue, name, key, blob, target, now])
        let id = database.lastInsertedRowID
        try tellOfNew(name, in: parent, blob: blob)
        return id
    }

    /// Makes a file of a name that is free; false where it is not.
    func insertFile(named name: Data, in parent: Int64, blob: Int64) throws -> Bool {
        try run(
            """
            INSERT INTO nodes(parent, kind, name, blob, modified_at) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT(parent, name) DO NOTHING
            """, [parent, NodeKind.file.rawValue, name, blob, now])
        guard database.changesCount > 0 else { return false }
        try tellOfNew(name, in: parent, blob: blob)
        return true
    }

    private func tellOfNew(_ name: Data, in parent: Int64, blob: Int64?) throws {
        try touch(parent)
        try logAdded(name, in: parent)
        if let blob { try logLinks(of: blob) }
    }

    /// Removes a node with everything below it, however deep that is; in forged rows that may be the node itself.
    func remove(_ node: Node) throws {
        memory.directory = nil
        var waiting = [node]
        var opened: Set<Int64> = []
        while let last = waiting.last {
            if opened.insert(last.id).inserted {
                waiting += try children(of: last.id).filter { !opened.contains($0.id) }.reversed()
            } else {
                waiting.removeLast()
                opened.remove(last.id)
                try removeAlone(last)
            }
        }
    }

    private func removeAlone(_ node: Node) throws {
        try run("DELETE FROM nodes WHERE id = ?", [node.id])
        try touch(node.parent)
        let inode = node.blob.map { Inode.blob($0) } ?? .node(node.id)
        try logRemoved(node.name, in: node.parent, inode: inode)
        if let blob = node.blob { try logLinks(of: blob) }
    }

    /// Makes the one link of a kind in a directory be what it should; no blob, no link.
    func setLink(_ kind: NodeKind, in parent: Int64, named name: Data, key: Data? = nil, to blob: Int64?) throws {
        let existing = try key.map { try node(of: kind, key: $0) } ?? children(of: parent, kind: kind).first
        guard let blob else {
            if let existing { try remove(existing) }
            return
        }
        if let existing, existing.name == name {
            try point(existing, to: blob)
        } else {
            if let existing { try remove(existing) }
            try insert(kind, named: name, in: parent, key: key, blob: blob)
        }
    }

    /// Makes a link that exists point to a blob.
    func point(_ node: Node, to blob: Int64) throws {
        guard node.blob != blob else { return }
        try run("UPDATE nodes SET blob = ? WHERE id = ?", [blob, node.id])
        try touch(node.parent)
        try logAdded(node.name, in: node.parent)
        try logLinks(of: blob)
        if let old = node.blob { try logLinks(of: old) }
    }

    /// Moves a directory's time: its entries changed.
    func touch(_ directory: Int64) throws {
        guard memory.touched.insert(directory).inserted else { return }
        // Two changes in the same tick of the clock must still be told apart.
        try run("UPDATE nodes SET modified_at = max(modified_at + 1, ?) WHERE id = ?", [now, directory])
    }

    func run(_ sql: String, _ arguments: StatementArguments) throws {
        try database.cachedStatement(sql: sql).execute(arguments: arguments)
    }

    // MARK: Telling

    func logAdded(_ name: Data, in directory: Int64) throws {
        try log(.added, directory: directory, name: name, inode: nil)
    }

    func logRemoved(_ name: Data, in directory: Int64, inode: Inode) throws {
        try log(.removed, directory: directory, name: name, inode: inode)
    }

    func logChanged(_ inode: Inode) throws {
        try log(.changed, directory: nil, name: nil, inode: inode)
    }

    func logLinks(of blob: Int64) throws {
        guard !memory.newBlobs.contains(blob) else { return }
        try log(.attributes, directory: nil, name: nil, inode: .blob(blob))
    }

    func logEverything() throws {
        try log(.everything, directory: nil, name: nil, inode: nil)
    }

    private func log(_ operation: ChangeOperation, directory: Int64?, name: Data?, inode: Inode?) throws {
        try run(
            "INSERT INTO node_changes(operation, directory, name, inode) VALUES (?, ?, ?, ?)",
            [operation.rawValue, directory, name, inode.map { Int64(bitPattern: $0.number) }])
    }
}

/// The operations of the change log; the raw values are in the database.
enum ChangeOperation: Int64 {
    case added = 1
    case removed = 2
    case changed = 3
    case attributes = 4
    case everything = 5
}
