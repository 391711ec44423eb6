internal import GRDBSQLite
public import Primitives
public import Tree

/// The database as one driver thread reads it: its own connection, prepared statements, no transaction held.
///
/// Used by one thread at a time.
public final class CatalogReader {
    /// What a read needs to know of a blob.
    public struct BlobIdentity: Sendable {
        /// The SHA-256 of the plaintext.
        public let id: ContentID
        /// Bytes of plaintext and of what was sealed.
        public let extent: BlobExtent
        /// The 12 bytes that the chunk tags were made for; empty for a blob that was not verified yet.
        public let nonce: [UInt8]
        /// The number of the key that the file is sealed under.
        public let generation: Int64
        /// Unix seconds of the last verification as a whole.
        public let verified: Int64?
        /// Unix nanoseconds.
        public let created: Int64
        /// A file or, as far as is known, a program.
        public let kind: Attributes.Kind
        /// The first row of chunk tags, all that most blobs have; empty where there is none.
        public let firstTags: [UInt8]
    }

    /// Calls for one entry of a directory; false ends the listing.
    public typealias Visitor = (_ name: UnsafeRawBufferPointer, Attributes, _ cookie: UInt64) -> Bool

    // Held so that it closes after the statements.
    private let connection: Connection
    private let nodeByName: Statement
    private let nodeByID: Statement
    private let nodesOfParent: Statement
    private let blobByHash: Statement
    private let blobByID: Statement
    private let blobsAfter: Statement
    private let blobIdentity: Statement
    private let tagPages: Statement
    private let componentName: Statement
    private let removals: Statement
    private let documents: DocumentReader
    private let snapshots: SnapshotReader

    /// Documents come before the nodes of a directory: their cookies are their kinds', a node's is its id's.
    private static let cookieBase: UInt64 = 16

    /// Opens a connection to a database that a ``Catalog`` has brought up to date.
    public init(path: String) throws {
        let connection = try Connection(path: path)
        self.connection = connection
        func statement(_ sql: String) throws -> Statement { try Statement(sql, on: connection.handle) }
        nodeByName = try statement(NodeRow.select + " WHERE nodes.parent = ?1 AND nodes.name = ?2")
        nodeByID = try statement(NodeRow.select + " WHERE nodes.id = ?1")
        nodesOfParent = try statement(
            NodeRow.select + " WHERE nodes.parent = ?1 AND nodes.id > ?2 ORDER BY nodes.id")
        blobByHash = try statement(BlobRow.select + " WHERE sha256 = ?1")
        blobByID = try statement(BlobRow.select + " WHERE id = ?1")
        blobsAfter = try statement(BlobRow.select + " WHERE id > ?1 ORDER BY id")
        // One statement, because each begins and ends a read transaction of its own.
        blobIdentity = try statement(
            """
            SELECT sha256, size, nonce, verified_at, (SELECT tags FROM blob_tags WHERE position = blobs.id << 16),
                \(GenerationSQL.ofBlob), encoding, ifnull(sealed_size, -1), created_at, media_type
            FROM blobs WHERE id = ?1
            """)
        tagPages = try statement("SELECT position, tags FROM blob_tags WHERE position BETWEEN ?1 AND ?2")
        snapshots = try SnapshotReader(connection.handle)
        removals = try statement(
            """
            SELECT name FROM node_changes
            WHERE operation = \(ChangeOperation.removed.rawValue) AND directory = \(FixedNode.blobs.rawValue) AND inode = ?1
            """)
        componentName = try statement(
            "SELECT name FROM nodes WHERE id = ?1 AND kind = \(NodeKind.component.rawValue)")
        documents = try DocumentReader(connection.handle)
    }

    // MARK: Tree

    /// The attributes of a name in a directory; nil where there is none.
    public func lookup(_ name: UnsafeRawBufferPointer, in directory: Int64) throws -> Attributes? {
        if directory == FixedNode.blobs.rawValue {
            blobByHash.bindText(name, at: 1)
            return try blobByHash.first { BlobRow.attributes($0) }
        }
        if let document = DocumentReader.document(named: name),
            let found = try documents.attributes(of: document, node: directory)
        {
            return found
        }
        nodeByName.bind(directory, at: 1)
        nodeByName.bindBlob(name, at: 2)
        if let found = try nodeByName.first({ NodeRow.attributes($0) }) { return found }
        if directory == FixedNode.root.rawValue, name.elementsEqual(FixedNode.snapshots.name.utf8) {
            return try attributes(of: FixedNode.snapshots.inode)
        }
        return try snapshots.lookup(name, in: directory)
    }

    /// The attributes of an inode; nil where there is none any more.
    public func attributes(of inode: Inode) throws -> Attributes? {
        switch inode {
        case .node(let id):
            nodeByID.bind(id, at: 1)
            return try nodeByID.first { NodeRow.attributes($0) }
        case .blob(let id):
            blobByID.bind(id, at: 1)
            return try blobByID.first { BlobRow.attributes($0) }
        case .document(let document, let node):
            return try documents.attributes(of: document, node: node)
        case .host, .generated: return nil
        }
    }

    /// The name of a component's node, which is that of its directory in the data root; nil for any other node.
    public func componentName(ofNode node: Int64) throws -> [UInt8]? {
        componentName.bind(node, at: 1)
        return try componentName.first { [UInt8]($0.bytes(0)) }
    }

    /// The node of a component's name; nil where there is none.
    public func componentNode(named name: [UInt8]) throws -> Int64? {
        try name.withUnsafeBytes {
            nodeByName.bind(FixedNode.components.rawValue, at: 1)
            nodeByName.bindBlob($0, at: 2)
            return try nodeByName.first { $0.integer(0) }
        }
    }

    /// The entries of a directory after a cookie, in the order in which they came.
    public func list(_ directory: Int64, after cookie: UInt64, _ visit: Visitor) throws {
        let row = cookie <= Self.cookieBase ? 0 : Int64(clamping: cookie - Self.cookieBase)
        if directory == FixedNode.blobs.rawValue {
            blobsAfter.bind(row, at: 1)
            return try blobsAfter.forEach {
                visit($0.bytes(BlobRow.nameColumn), BlobRow.attributes($0), Self.cookie($0.integer(0)))
            }
        }
        if try snapshots.list(directory, after: row, { visit($0, $1, Self.cookie($2)) }) { return }
        if cookie < Self.cookieBase, try !listDocuments(of: directory, after: cookie, visit) { return }
        nodesOfParent.bind(directory, at: 1)
        nodesOfParent.bind(row, at: 2)
        try nodesOfParent.forEach {
            visit($0.bytes(NodeRow.nameColumn), NodeRow.attributes($0), Self.cookie($0.integer(0)))
        }
    }

    private func listDocuments(of node: Int64, after cookie: UInt64, _ visit: Visitor) throws -> Bool {
        for document in Inode.Document.allCases where document.rawValue > cookie {
            guard let attributes = try documents.attributes(of: document, node: node) else { continue }
            var name = document.fileName
            guard name.withUTF8({ visit(UnsafeRawBufferPointer($0), attributes, document.rawValue) }) else {
                return false
            }
        }
        return true
    }

    private static func cookie(_ row: Int64) -> UInt64 { UInt64(bitPattern: row) &+ cookieBase }

    /// The target of a symbolic link; nil where the node is none.
    public func target(of node: Int64) throws -> [UInt8]? {
        nodeByID.bind(node, at: 1)
        return try nodeByID.first { $0.isNull(NodeRow.targetColumn) ? nil : [UInt8]($0.bytes(NodeRow.targetColumn)) }
    }

    /// The bytes of a document; nil where its row is gone.
    public func content(of document: Inode.Document, node: Int64) throws -> [UInt8]? {
        try documents.content(of: document, node: node)
    }

    /// The bytes of a document of a snapshot; nil where the node is none.
    public func frozenContent(ofNode node: Int64) throws -> [UInt8]? { try snapshots.content(ofNode: node) }

    /// The directory of the data root that a snapshot's directory shows beside its nodes; nil for any other node.
    public func hostedDirectory(ofNode node: Int64) throws -> [UInt8]? { try snapshots.hostedDirectory(ofNode: node) }

    // MARK: Blobs

    /// What a read needs to know of a blob; nil where there is none.
    public func identity(ofBlob row: Int64) throws -> BlobIdentity? {
        blobIdentity.bind(row, at: 1)
        return try blobIdentity.first { found in
            guard let id = ContentID(hex: found.bytes(0)) else { return nil }
            return BlobIdentity(
                id: id,
                extent: BlobExtent(
                    size: found.integer(1), encoding: found.integer(6), sealedSize: found.integer(7)),
                nonce: [UInt8](found.bytes(2)), generation: found.integer(5),
                verified: found.isNull(3) ? nil : found.integer(3), created: found.integer(8),
                kind: BlobRow.kind(found.integer(9)), firstTags: [UInt8](found.bytes(4)))
        }
    }

    /// The name of a blob whose row was removed lately, from the change log; reads all of the log.
    public func removedBlob(row: Int64) throws -> ContentID? {
        removals.bind(Int64(bitPattern: Inode.blob(row).number), at: 1)
        return try removals.first { ContentID(hex: $0.bytes(0)) }
    }

    /// Copies consecutive rows of chunk tags into memory, each to its own place; zeros stand where tags are missing.
    ///
    /// - Parameters:
    ///   - first: the number of the first row.
    ///   - memory: as many rows as it has room for are copied.
    public func copyTags(ofBlob row: Int64, from first: Int, into memory: UnsafeMutableRawBufferPointer) throws {
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        let position = TagPage.position(blob: row, page: first)
        tagPages.bind(position, at: 1)
        tagPages.bind(position + Int64(memory.count / TagPage.byteCount - 1), at: 2)
        try tagPages.forEach { found in
            let start = Int(found.integer(0) - position) * TagPage.byteCount
            let tags = found.bytes(1)
            UnsafeMutableRawBufferPointer(rebasing: memory[start...])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: tags.prefix(TagPage.byteCount)))
            return true
        }
    }
}
