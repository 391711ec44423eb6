/// What an inode number stands for: a database row and what is shown of it.
///
/// A number is `row << 4 | kind`, so there is no inode table in memory, numbers survive a remount, and none is reused
/// because the rows' ids are not (AUTOINCREMENT). The root is row 0 of the nodes: number 1, as FUSE wants it.
public enum Inode: Hashable, Sendable {
    /// A row of `nodes`: a directory or a symbolic link.
    case node(Int64)
    /// A row of `blobs`: one file with any number of names.
    case blob(Int64)
    /// A document that is made from the row behind a node.
    case document(Document, node: Int64)
    /// A file or directory of the data root that is shown as it is; its row is in the book of numbers.
    case host(Int64)
    /// A state of a file that the driver makes up, or a fixed place; see ``GeneratedFile``.
    case generated(Int64)

    /// The documents shown of a row.
    public enum Document: UInt64, Sendable, CaseIterable {
        /// The bytes of `manifest_json`.
        case manifest = 3
        /// The row's other columns as JSON.
        case metadata = 4
        /// The component's row of the registry as JSON.
        case status = 5

        /// The name in its directory.
        public var fileName: String {
            switch self {
            case .manifest: "manifest.json"
            case .metadata: "metadata.json"
            case .status: "status.json"
            }
        }
    }

    private static let nodeKind: UInt64 = 1
    private static let blobKind: UInt64 = 2
    private static let hostKind: UInt64 = 6
    private static let generatedKind: UInt64 = 7
    private static let largestRow: UInt64 = (1 << 59) - 1

    /// The inode of a number; nil for a number that was never given out.
    public init?(number: UInt64) {
        guard number >> 4 <= Self.largestRow else { return nil }
        let row = Int64(number >> 4)
        switch number & 15 {
        case Self.nodeKind: self = .node(row)
        case Self.blobKind: self = .blob(row)
        case Self.hostKind: self = .host(row)
        case Self.generatedKind: self = .generated(row)
        case let kind:
            guard let document = Document(rawValue: kind) else { return nil }
            self = .document(document, node: row)
        }
    }

    /// The number that the kernel and every program sees; 0, which is nobody's, for a row that no store gives out.
    public var number: UInt64 {
        switch self {
        case .node(let row): Self.compose(row, Self.nodeKind)
        case .blob(let row): Self.compose(row, Self.blobKind)
        case .document(let document, let row): Self.compose(row, document.rawValue)
        case .host(let row): Self.compose(row, Self.hostKind)
        case .generated(let row): Self.compose(row, Self.generatedKind)
        }
    }

    private static func compose(_ row: Int64, _ kind: UInt64) -> UInt64 {
        // A forged row must not pass for another one.
        guard let row = UInt64(exactly: row), row <= largestRow else { return 0 }
        return row << 4 | kind
    }
}

/// The nodes that every store has, under ids that never change.
public enum FixedNode: Int64, Sendable, CaseIterable {
    case root = 0
    case components = 1
    case applications = 2
    case blobs = 3
    case cache = 4
    case files = 5
    /// Known by its name alone: a walk of the root does not come to it.
    case snapshots = 6

    /// The name in the root directory; empty for the root itself.
    public var name: String {
        switch self {
        case .root: ""
        case .components: "components"
        case .applications: "apps"
        case .blobs: "blobs"
        case .cache: "cache"
        case .files: "files"
        case .snapshots: ".snapshots"
        }
    }

    /// The inode of the directory.
    public var inode: Inode { .node(rawValue) }
}
