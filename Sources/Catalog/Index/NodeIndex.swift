internal import Foundation
internal import GRDB
internal import Primitives
internal import Tree

/// Derives the nodes of the tree from the seed's rows.
///
/// The triggers note which rows changed; this looks at each of them as it is now and makes its nodes so. What was done
/// to a row in between does not matter, and doing it twice changes nothing.
struct NodeIndex {
    let nodes: NodeWriter

    private static let keptChanges = 1 << 16

    /// Looks at the rows that were noted.
    func settle(atMost limit: Int) throws {
        let stored = ["kind", "key"].enumerated().map { StoredValue.columns(for: $1, number: $0) }
        let sql = """
            SELECT kind, CAST(key AS BLOB) AS key, \(stored.joined(separator: ", "))
            FROM dirty_rows ORDER BY kind LIMIT ?
            """
        let rows = try Row.fetchAll(nodes.database.cachedStatement(sql: sql), arguments: [limit])
        for row in rows {
            let kind = row.integer("kind").flatMap(RowKind.init)
            let key = row.bytes("key") ?? Data()
            try settle(kind, key: key)
            if let kind { try PackageIndex(database: nodes.database).settle(kind, key: key) }
            try forget(StoredValue(row, number: 0), StoredValue(row, number: 1))
        }
        try nodes.run(
            "DELETE FROM node_changes WHERE sequence <= (SELECT max(sequence) FROM node_changes) - ?",
            [Self.keptChanges])
    }

    /// Removes a note as it is stored: one that stayed would be looked at for ever.
    private func forget(_ kind: StoredValue, _ key: StoredValue) throws {
        try nodes.run(
            "DELETE FROM dirty_rows WHERE kind = \(kind.placeholder) AND key = \(key.placeholder)",
            [kind.value, key.value])
    }

    private func settle(_ kind: RowKind?, key: Data) throws {
        switch kind {
        case .component: try settleComponent(key)
        case .application: try settleApplication(key)
        case .cacheEntry: try settleCacheEntry(key)
        case .status: if let node = try nodes.node(of: .component, key: key) { try settleStatus(key, of: node.id) }
        case nil: break
        }
    }

    // MARK: Components

    private func settleComponent(_ key: Data) throws {
        let existing = try nodes.node(of: .component, key: key)
        guard let manifest = try manifest(in: "components", id: "component_id", key) else {
            if let existing { try nodes.remove(existing) }
            return
        }
        let node = try existing?.id ?? insert(.component, key, in: .components)
        try settleDocuments(of: node, manifest: manifest)
        try settleStatus(key, of: node)
        try settleArtifact(key, of: node)
    }

    private func settleStatus(_ key: Data, of node: Int64) throws {
        let isRegistered = try exists(
            "SELECT 1 FROM component_registry WHERE component_id IN (CAST(?1 AS TEXT), ?1)", [key])
        let wasShown = try exists("SELECT 1 FROM nodes WHERE id = ? AND status_at IS NOT NULL", [node])
        let name = Data(Inode.Document.status.fileName.utf8)
        let status = Inode.document(.status, node: node)
        guard isRegistered || wasShown else { return }
        try nodes.run("UPDATE nodes SET status_at = ? WHERE id = ?", [isRegistered ? nodes.now : nil, node])
        if isRegistered, wasShown {
            try logRewritten(status, in: node)
        } else {
            try nodes.touch(node)
            if isRegistered {
                // The number may be known from an earlier registration, with an older content.
                try nodes.logChanged(status)
                try nodes.logAdded(name, in: node)
            } else {
                try nodes.logRemoved(name, in: node, inode: status)
            }
        }
    }

    private func settleArtifact(_ key: Data, of node: Int64) throws {
        let hash = try String.fetchOne(
            nodes.database.cachedStatement(
                sql: """
                    SELECT blob_hash FROM components JOIN autonomi_cache ON autonomi_cache.autonomi_address
                        = coalesce(components.autonomi_address, 'local:' || component_id || '@' || version)
                    WHERE component_id IN (CAST(?1 AS TEXT), ?1)
                    """), arguments: [key])
        try settleTypedLink(.artifact, base: "artifact", in: node, hash: hash, row: .component, key)
    }

    // MARK: Applications

    private func settleApplication(_ key: Data) throws {
        let existing = try nodes.node(of: .application, key: key)
        guard let manifest = try manifest(in: "applications", id: "application_id", key) else {
            if let existing { try nodes.remove(existing) }
            return
        }
        let node = try existing?.id ?? insert(.application, key, in: .applications)
        try settleDocuments(of: node, manifest: manifest)
        let icon = try String.fetchOne(
            nodes.database.cachedStatement(
                sql: "SELECT icon_blob_hash FROM applications WHERE application_id IN (CAST(?1 AS TEXT), ?1)"),
            arguments: [key])
        try settleTypedLink(.icon, base: "icon", in: node, hash: icon, row: .application, key)
        try settleComponentLinks(of: node, manifest: manifest)
    }

    private func settleComponentLinks(of application: Int64, manifest: Data) throws {
        let name = Data(FixedNode.components.name.utf8)
        let directory =
            try nodes.node(named: name, in: application)?.id ?? nodes.insert(.directory, named: name, in: application)
        let wanted = try Set(componentIDs(in: manifest).map { try Data(FileName.encode($0)) })
        let present = try nodes.children(of: directory)
        for link in present where !wanted.contains(link.name) { try nodes.remove(link) }
        for name in wanted.subtracting(present.map(\.name)).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            let target = Data("../../../\(FixedNode.components.name)/".utf8) + name
            try nodes.insert(.symbolicLink, named: name, in: directory, target: target)
        }
    }

    /// The ids that a manifest's `components` list; none where another program wrote something else there.
    private func componentIDs(in manifest: Data) throws -> [String] {
        try String.fetchAll(
            nodes.database.cachedStatement(
                sql: """
                    SELECT DISTINCT json_extract(value, '$.id')
                    FROM json_each(CASE WHEN json_valid(CAST(?1 AS TEXT)) THEN CAST(?1 AS TEXT) ELSE '{}' END,
                        '$.components')
                    WHERE type = 'object' AND json_type(value, '$.id') = 'text'
                    """), arguments: [manifest])
    }

    // MARK: Cache

    private func settleCacheEntry(_ key: Data) throws {
        let hash = try String.fetchOne(
            nodes.database.cachedStatement(
                sql: "SELECT blob_hash FROM autonomi_cache WHERE autonomi_address IN (CAST(?1 AS TEXT), ?1)"),
            arguments: [key])
        let blob = try hash.flatMap { try blobID(named: $0, for: .cacheEntry, key) }
        try nodes.setLink(
            .cacheEntry, in: FixedNode.cache.rawValue, named: Data(FileName.encode(key)), key: key, to: blob)
        let users = try Data.fetchAll(
            nodes.database.cachedStatement(
                sql: """
                    SELECT CAST(component_id AS BLOB) FROM components
                    WHERE coalesce(autonomi_address, 'local:' || component_id || '@' || version) IN (CAST(?1 AS TEXT), ?1)
                    """), arguments: [key])
        for user in users {
            if let node = try nodes.node(of: .component, key: user) { try settleArtifact(user, of: node.id) }
        }
    }

    // MARK: Parts

    private func insert(_ kind: NodeKind, _ key: Data, in parent: FixedNode) throws -> Int64 {
        try nodes.insert(kind, named: Data(FileName.encode(key)), in: parent.rawValue, key: key)
    }

    private func manifest(in table: String, id: String, _ key: Data) throws -> Data? {
        let sql = "SELECT CAST(manifest_json AS BLOB) AS manifest FROM \(table) WHERE \(id) IN (CAST(?1 AS TEXT), ?1)"
        return try Row.fetchOne(nodes.database.cachedStatement(sql: sql), arguments: [key])
            .map { $0.bytes("manifest") ?? Data() }
    }

    private func settleDocuments(of node: Int64, manifest: Data) throws {
        let digest = try Data(manifest.withUnsafeBytes { try SHA256.digest($0) }.withUnsafeBytes { Array($0) })
        try nodes.run(
            """
            UPDATE nodes SET metadata_at = ?1, manifest_digest = ?2,
                manifest_at = CASE WHEN manifest_digest IS ?2 THEN manifest_at ELSE ?1 END WHERE id = ?3
            """, [nodes.now, digest, node])
        for document in [Inode.Document.manifest, .metadata] {
            try logRewritten(.document(document, node: node), in: node)
        }
    }

    /// A document may have been out of sight: its row was gone and came back before anybody looked at it here, and a listing of
    /// in between does not have it.
    private func logRewritten(_ document: Inode, in directory: Int64) throws {
        try nodes.logChanged(document)
        try nodes.logChanged(.node(directory))
    }

    private func settleTypedLink(
        _ kind: NodeKind, base: String, in node: Int64, hash: String?, row: RowKind, _ key: Data
    ) throws {
        let blob = try hash.flatMap { try blobID(named: $0, for: row, key) }
        let type = try blob.flatMap {
            try Int64.fetchOne(
                nodes.database.cachedStatement(sql: "SELECT media_type FROM blobs WHERE id = ?"), arguments: [$0])
        }
        let suffix = type.flatMap(MediaType.init(rawValue:))?.suffix ?? ""
        try nodes.setLink(kind, in: node, named: Data((base + suffix).utf8), to: blob)
    }

    /// The row of the blob that a seed row names; where neither row nor file is there, the seed row waits for it.
    private func blobID(named hash: String, for row: RowKind, _ key: Data) throws -> Int64? {
        guard let id = ContentID(hex: hash) else { return nil }
        if let blob = try nodes.blobID(of: id) { return blob }
        if let file = try nodes.probe(id) {
            return try nodes.insertBlob(id, file.extent, created: file.created)
        }
        try nodes.run("INSERT OR IGNORE INTO waiting_rows(kind, key) VALUES (?, ?)", [row.rawValue, key])
        return nil
    }

    private func exists(_ sql: String, _ arguments: StatementArguments) throws -> Bool {
        try Row.fetchOne(nodes.database.cachedStatement(sql: sql), arguments: arguments) != nil
    }
}
