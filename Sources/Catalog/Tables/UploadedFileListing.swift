internal import Foundation
internal import GRDB
public import Primitives
internal import Tree

/// Something below `/files`.
public struct UploadedFile: Sendable, Equatable {
    /// What it is.
    public enum Kind: String, Sendable {
        case file
        case directory
        case symbolicLink = "link"
    }

    /// The components of its path, bytes as Linux has them.
    public let path: [[UInt8]]
    /// What it is.
    public let kind: Kind
    /// The content; nil for what is no file.
    public let content: ContentID?
    /// Bytes of content; 0 for what is no file.
    public let size: Int64
    /// Unix nanoseconds: when the blob was made, or a directory's entries changed.
    public let modified: Int64

    init?(_ row: Row, in directory: [[UInt8]]) {
        switch NodeKind(rawValue: row.integer("kind") ?? 0) {
        case .file: kind = .file
        case .directory: kind = .directory
        case .symbolicLink: kind = .symbolicLink
        default: return nil
        }
        path = directory + [Array(row.bytes("name") ?? Data())]
        content = row.text("sha256").flatMap { ContentID(hex: $0) }
        size = row.integer("size") ?? 0
        modified = row.integer("created_at") ?? row.integer("modified_at") ?? 0
    }
}

extension Reading {
    private static let fileTable = "nodes LEFT JOIN blobs ON blobs.id = nodes.blob"
    private static let fileColumns =
        "nodes.kind, nodes.name, nodes.modified_at, blobs.sha256, blobs.size, blobs.created_at"

    static func fileListing(_ directory: Int64) -> Listing {
        Listing(fileTable, columns: fileColumns, order: ["nodes.name"], descending: false)
            .with("nodes.parent = ?", directory)
    }

    /// The entries of a directory below `/files` by name, a page at a time.
    ///
    /// - Parameter directory: the components of its path; empty for `/files`.
    /// - Throws: `notFound` for no such directory, `usage` for another query's cursor or a limit outside 1…10,000.
    public func uploadedFiles(
        in directory: [[UInt8]] = [], after cursor: Cursor? = nil, limit: Int = 100
    ) throws -> Page<UploadedFile> {
        let node = try fileNode(at: directory)
        guard let node, node.isDirectory else {
            throw OsnovaError(.notFound, "there is no directory files/\(Self.text(directory))")
        }
        let page = try Self.fileListing(node.id).page(database, after: cursor, limit: limit) {
            UploadedFile($0, in: directory)
        }
        return Page(rows: page.rows.compactMap(\.self), next: page.next)
    }

    /// What lies at a path below `/files`; nil where there is nothing.
    public func uploadedFile(at path: [[UInt8]]) throws -> UploadedFile? {
        guard let name = path.last, let directory = try fileNode(at: path.dropLast()), directory.isDirectory else {
            return nil
        }
        let sql = "SELECT \(Self.fileColumns) FROM \(Self.fileTable) WHERE nodes.parent = ? AND nodes.name = ?"
        return try Row.fetchOne(database.cachedStatement(sql: sql), arguments: [directory.id, Data(name)])
            .flatMap { UploadedFile($0, in: path.dropLast()) }
    }

    private func fileNode(at path: some Collection<[UInt8]>) throws -> (id: Int64, isDirectory: Bool)? {
        var current = (id: FixedNode.files.rawValue, isDirectory: true)
        let statement = try database.cachedStatement(sql: "SELECT id, kind FROM nodes WHERE parent = ? AND name = ?")
        for name in path {
            guard let row = try Row.fetchOne(statement, arguments: [current.id, Data(name)]) else { return nil }
            current = (row.integer("id") ?? 0, row.integer("kind") == NodeKind.directory.rawValue)
        }
        return current
    }

    static func text(_ path: [[UInt8]]) -> String {
        path.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/")
    }
}
