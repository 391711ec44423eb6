internal import Primitives
internal import Tree

/// The columns of `nodes`, joined with the blob behind a link, and what they mean.
enum NodeRow {
    static let nameColumn: Int32 = 2
    static let targetColumn: Int32 = 4

    static let select = """
        SELECT nodes.id, nodes.kind, nodes.name, nodes.modified_at, nodes.target,
            blobs.id, blobs.size, blobs.links, blobs.created_at, blobs.media_type, blobs.sha256, nodes.shown, nodes.size
        FROM nodes LEFT JOIN blobs ON blobs.id = nodes.blob
        """

    static func attributes(_ row: Statement) -> Attributes {
        if !row.isNull(5) { return BlobRow.attributes(row, from: 5) }
        let time = row.integer(3)
        let kind: Attributes.Kind
        let size: Int64
        switch NodeKind(rawValue: row.integer(1)) {
        case .symbolicLink: (kind, size) = (.symbolicLink, Int64(row.bytes(targetColumn).count))
        case .frozenDocument: (kind, size) = (.file, row.integer(12))
        // Its blob's row is gone. An empty file would pass for the truth; the read of this one fails.
        case .file, .artifact, .icon, .cacheEntry: (kind, size) = (.file, 1)
        default: (kind, size) = (.directory, 0)
        }
        var attributes = Attributes(
            inode: .node(row.integer(0)), kind: kind, size: size, modified: time, changed: time)
        if !row.isNull(11) { attributes.shownInode = UInt64(bitPattern: row.integer(11)) }
        return attributes
    }
}

/// The columns of `blobs` and what they mean.
enum BlobRow {
    static let nameColumn: Int32 = 5

    static let select = "SELECT id, size, links, created_at, media_type, sha256 FROM blobs"

    private static let emptyContent = Array("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".utf8)

    /// The length of the content.
    ///
    /// A kernel never asks for the content of an empty file, so a forged length of 0 would pass for the truth: it is
    /// shown as 1, and the read fails.
    private static func size(_ row: Statement, from first: Int32) -> Int64 {
        let size = row.integer(first + 1)
        if size > 0 { return size }
        return row.bytes(first + nameColumn).elementsEqual(emptyContent) ? 0 : 1
    }

    static func kind(_ mediaType: Int64) -> Attributes.Kind {
        mediaType == MediaType.program.rawValue ? .program : .file
    }

    static func attributes(_ row: Statement, from first: Int32 = 0) -> Attributes {
        let time = row.integer(first + 3)
        return Attributes(
            inode: .blob(row.integer(first)), kind: kind(row.integer(first + 4)), size: size(row, from: first),
            links: 1 &+ UInt32(truncatingIfNeeded: row.integer(first + 2)), modified: time, changed: time)
    }
}
