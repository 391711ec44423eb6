internal import Foundation
internal import GRDB

/// The scalars of manifests by path, in `manifest_fields`.
///
/// A path is the member names joined by `.`, each step into a list written `[]`: `author`, `config.theme`,
/// `dependencies[].id`. A `.`, `[` or `\` of a name has a `\` before it.
struct ManifestFields {
    let database: Database

    /// A longer value is a text to read, not one to look up.
    static let longestValue = 512
    /// A longer path is no name that anybody asks about, and would be kept once for each of its scalars.
    static let longestPath = 512
    /// More scalars than an honest manifest has; what follows is not indexed.
    static let mostValues = 4096

    /// Makes the fields of a row be those of its manifest; none where it is no JSON object.
    func replace(_ kind: RowKind, key: Data, manifest: String) throws {
        try remove(kind, key: key)
        let insert = try database.cachedStatement(
            sql: "INSERT OR IGNORE INTO manifest_fields(kind, path, value, key) VALUES (?, ?, ?, ?)")
        for field in try Self.fields(of: manifest, database) {
            try insert.execute(arguments: [kind.rawValue, field.path, field.value, key])
        }
    }

    /// Removes the fields of a row.
    func remove(_ kind: RowKind, key: Data) throws {
        try database.cachedStatement(sql: "DELETE FROM manifest_fields WHERE kind = ? AND key = ?")
            .execute(arguments: [kind.rawValue, key])
    }

    private static func fields(of manifest: String, _ database: Database) throws -> [(path: String, value: String)] {
        let sql = """
            SELECT id, parent, key, type, CASE type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE atom END AS value
            FROM json_tree(CASE WHEN json_valid(?1) THEN ?1 ELSE '{}' END)
            """
        var containers: [Int64: (path: String, isList: Bool)] = [:]
        var fields: [(path: String, value: String)] = []
        let rows = try Row.fetchCursor(database.cachedStatement(sql: sql), arguments: [manifest])
        while let row = try rows.next(), fields.count < mostValues {
            guard let path = path(of: row, in: containers), path.utf8.count <= longestPath else { continue }
            let type = row.text("type")
            if type == "object" || type == "array" {
                containers[row.integer("id") ?? 0] = (path, type == "array")
            } else if row.integer("parent") != nil, let value = row.text("value"), value.utf8.count <= longestValue {
                fields.append((path, value))
            }
        }
        return fields
    }

    /// Empty for the manifest itself; nil below a path that is too long.
    private static func path(of row: Row, in containers: [Int64: (path: String, isList: Bool)]) -> String? {
        guard let parent = row.integer("parent") else { return "" }
        return containers[parent].map { $0.isList ? $0.path + "[]" : join($0.path, row.text("key") ?? "") }
    }

    private static func join(_ path: String, _ name: String) -> String {
        path.isEmpty ? escape(name) : "\(path).\(escape(name))"
    }

    /// A member's name as a path has it.
    static func escape(_ name: String) -> String {
        name.replacing("\\", with: "\\\\").replacing(".", with: "\\.").replacing("[", with: "\\[")
    }
}
