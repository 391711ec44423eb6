internal import Primitives
internal import Tree

/// The documents that are made from rows: `manifest.json`, `metadata.json`, `status.json`.
///
/// Used by one thread at a time.
final class DocumentReader {
    private let node: Statement
    private let manifests: [NodeKind: Statement]
    private let rows: [NodeKind: Statement]
    private let registration: Statement

    init(_ connection: OpaquePointer) throws {
        func statement(_ sql: String) throws -> Statement { try Statement(sql, on: connection) }
        node = try statement("SELECT kind, key, manifest_at, metadata_at, status_at FROM nodes WHERE id = ?1")
        manifests = [
            .component: try statement(
                "SELECT CAST(manifest_json AS BLOB) FROM components WHERE component_id IN (CAST(?1 AS TEXT), ?1)"),
            .application: try statement(
                "SELECT CAST(manifest_json AS BLOB) FROM applications WHERE application_id IN (CAST(?1 AS TEXT), ?1)"),
        ]
        rows = [
            .component: try statement("SELECT * FROM components WHERE component_id IN (CAST(?1 AS TEXT), ?1)"),
            .application: try statement("SELECT * FROM applications WHERE application_id IN (CAST(?1 AS TEXT), ?1)"),
        ]
        registration = try statement("SELECT * FROM component_registry WHERE component_id IN (CAST(?1 AS TEXT), ?1)")
    }

    static func document(named name: UnsafeRawBufferPointer) -> Inode.Document? {
        switch name.count {
        case 11: name.elementsEqual("status.json".utf8) ? .status : nil
        case 13:
            name.elementsEqual("manifest.json".utf8)
                ? .manifest : name.elementsEqual("metadata.json".utf8) ? .metadata : nil
        default: nil
        }
    }

    func attributes(of document: Inode.Document, node id: Int64) throws -> Attributes? {
        guard let holder = try holder(id), let time = holder.time(of: document),
            let size = try content(of: document, holder: holder)?.count
        else { return nil }
        return Attributes(
            inode: .document(document, node: id), kind: .file, size: Int64(size), modified: time, changed: time)
    }

    func content(of document: Inode.Document, node id: Int64) throws -> [UInt8]? {
        guard let holder = try holder(id), holder.time(of: document) != nil else { return nil }
        return try content(of: document, holder: holder)
    }

    private func content(of document: Inode.Document, holder: Holder) throws -> [UInt8]? {
        switch document {
        case .manifest: return try first(manifests[holder.kind], holder.key) { [UInt8]($0.bytes(0)) }
        case .metadata:
            return try first(rows[holder.kind], holder.key) {
                try JSONValue.document($0.values().filter { $0.name != "manifest_json" })
            }
        case .status: return try first(registration, holder.key) { try JSONValue.document($0.values()) }
        }
    }

    private func first(
        _ statement: Statement?, _ key: [UInt8], _ row: (Statement) throws -> [UInt8]
    ) throws -> [UInt8]? {
        guard let statement else { return nil }
        return try key.withUnsafeBytes {
            statement.bindBlob($0, at: 1)
            return try statement.first(row)
        }
    }

    // MARK: The node that shows documents

    private struct Holder {
        let kind: NodeKind
        let key: [UInt8]
        let manifestTime: Int64?
        let metadataTime: Int64?
        let statusTime: Int64?

        func time(of document: Inode.Document) -> Int64? {
            switch document {
            case .manifest: manifestTime
            case .metadata: metadataTime
            case .status: kind == .component ? statusTime : nil
            }
        }
    }

    private func holder(_ id: Int64) throws -> Holder? {
        node.bind(id, at: 1)
        return try node.first { row in
            guard let kind = NodeKind(rawValue: row.integer(0)), kind == .component || kind == .application else {
                return nil
            }
            func time(_ column: Int32) -> Int64? { row.isNull(column) ? nil : row.integer(column) }
            return Holder(
                kind: kind, key: [UInt8](row.bytes(1)), manifestTime: time(2), metadataTime: time(3),
                statusTime: time(4))
        }
    }
}
