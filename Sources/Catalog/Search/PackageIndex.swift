internal import Foundation
internal import GRDB
internal import Primitives

/// What search and manifest queries know of components and applications, kept in step with the rows.
///
/// Runs where a row's nodes are settled, so it sees every change, whoever made it; a row whose texts did not change
/// costs a digest.
struct PackageIndex {
    let database: Database

    /// A table with manifests.
    private struct Source {
        let kind: RowKind
        let table: String
        let key: String
    }

    private static let sources = [
        Source(kind: .component, table: "components", key: "component_id"),
        Source(kind: .application, table: "applications", key: "application_id"),
    ]

    /// Indexes every row, where nothing is indexed yet.
    func indexEverything() throws {
        for source in Self.sources {
            let keys = try Data.fetchAll(
                database,
                sql: "SELECT CAST(\(source.key) AS BLOB) FROM \(source.table) WHERE \(source.key) IS NOT NULL")
            for key in keys { try settle(source, key: key) }
        }
    }

    /// Looks at a row as it is now.
    func settle(_ kind: RowKind, key: Data) throws {
        guard let source = Self.sources.first(where: { $0.kind == kind }) else { return }
        try settle(source, key: key)
    }

    private func settle(_ source: Source, key: Data) throws {
        let sql = """
            SELECT name, description, author, CAST(manifest_json AS TEXT) AS manifest FROM \(source.table)
            WHERE \(source.key) IN (CAST(?1 AS TEXT), ?1) ORDER BY \(source.key) LIMIT 1
            """
        guard let row = try Row.fetchOne(database.cachedStatement(sql: sql), arguments: [key]) else {
            return try remove(source.kind, key)
        }
        let texts = ["name", "description", "author"].map { row.text($0) ?? "" }
        let manifest = row.text("manifest") ?? ""
        let digest = try Self.digest(texts + [manifest])
        let known = try document(source.kind, key)
        guard known?.digest != digest else { return }
        try run(
            """
            INSERT INTO search_documents(kind, key, digest) VALUES (?, ?, ?)
            ON CONFLICT(kind, key) DO UPDATE SET digest = excluded.digest
            """, [source.kind.rawValue, key, digest])
        let id = try known?.id ?? document(source.kind, key)?.id
        // Of a new number as well: a document that somebody removed has left its entry.
        try run("DELETE FROM package_search WHERE rowid = ?", [id])
        try run(
            "INSERT INTO package_search(rowid, name, description, author, identifier) VALUES (?, ?, ?, ?, ?)",
            [id, texts[0], texts[1], texts[2], String(decoding: key, as: UTF8.self)])
        try ManifestFields(database: database).replace(source.kind, key: key, manifest: manifest)
    }

    private func remove(_ kind: RowKind, _ key: Data) throws {
        if let known = try document(kind, key) {
            try run("DELETE FROM package_search WHERE rowid = ?", [known.id])
            try run("DELETE FROM search_documents WHERE id = ?", [known.id])
        }
        try ManifestFields(database: database).remove(kind, key: key)
    }

    private func document(_ kind: RowKind, _ key: Data) throws -> (id: Int64, digest: Data?)? {
        let sql = "SELECT id, digest FROM search_documents WHERE kind = ? AND key = ?"
        return try Row.fetchOne(database.cachedStatement(sql: sql), arguments: [kind.rawValue, key])
            .map { ($0.integer("id") ?? 0, $0.bytes("digest")) }
    }

    private static func digest(_ texts: [String]) throws -> Data {
        // Lengths keep the texts apart.
        let bytes = texts.flatMap { Array("\($0.utf8.count):".utf8) + Array($0.utf8) }
        return try Data(bytes.withUnsafeBytes { try SHA256.digest($0) }.withUnsafeBytes { Array($0) })
    }

    private func run(_ sql: String, _ arguments: StatementArguments) throws {
        try database.cachedStatement(sql: sql).execute(arguments: arguments)
    }
}
