internal import Foundation
internal import GRDB
internal import Primitives

extension Catalog {
    /// Components whose manifest has a value at a path, by id; answered by an index.
    ///
    /// - Parameters:
    ///   - path: member names joined by `.`, each step into a list written `[]`: `author`, `dependencies[].id`. A `.`,
    ///     `[` or `\` of a name has a `\` before it. Of at most 512 bytes.
    ///   - value: a text as it is, `true`, `false`, or a number; of at most 512 bytes. Whole numbers of up to 64 bits are
    ///     as they are written, all others the shortest form of a floating-point number: `1.5` for 1.50, `1000.0` for 1e3.
    /// - Throws: `usage` for a path or a value with a NUL.
    public func components(whereManifest path: String, is value: String) throws -> [Component] {
        try settle()
        return try read { reading in
            try reading.keys(.component, path: path, value: value).compactMap { try reading.component(key: $0) }
        }
    }

    /// Applications whose manifest has a value at a path, by id; see ``components(whereManifest:is:)``.
    public func applications(whereManifest path: String, is value: String) throws -> [Application] {
        try settle()
        return try read { reading in
            try reading.keys(.application, path: path, value: value).compactMap { try reading.application(key: $0) }
        }
    }

    /// Components that declare a dependency on another one, by id.
    ///
    /// A manifest's `dependencies` may list ids, or objects with an `id`, or be an object whose members are ids.
    public func components(dependingOn id: String) throws -> [Component] {
        try settle()
        return try read { reading in
            var keys = try Set(reading.keys(.component, path: "dependencies[]", value: id))
            try keys.formUnion(reading.keys(.component, path: "dependencies[].id", value: id))
            try keys.formUnion(reading.keys(.component, path: "dependencies.\(ManifestFields.escape(id))", value: nil))
            return try keys.sorted { $0.lexicographicallyPrecedes($1) }.compactMap { try reading.component(key: $0) }
        }
    }

    /// Applications that are made of a component, by id.
    public func applications(using componentID: String) throws -> [Application] {
        try applications(whereManifest: "components[].id", is: componentID)
    }
}

extension Reading {
    /// One value of a component's manifest by SQLite's path, such as `$.config.theme`; JSON text for objects and lists.
    ///
    /// - Returns: nil where there is no component or no such value.
    /// - Throws: `damaged` where another program wrote a manifest that is no JSON, `usage` for a malformed path.
    public func manifestValue(ofComponent id: String, path: String) throws -> String? {
        guard let component = try component(id) else { return nil }
        return try value(in: component.manifest, of: "component \(id)", path: path)
    }

    /// One value of an application's manifest; see ``manifestValue(ofComponent:path:)``.
    public func manifestValue(ofApplication id: String, path: String) throws -> String? {
        guard let application = try application(id) else { return nil }
        return try value(in: application.manifest, of: "application \(id)", path: path)
    }

    private func value(in manifest: String, of owner: String, path: String) throws -> String? {
        try FieldCheck.text(path, "path of a value in a manifest")
        guard try Bool.fetchOne(database, sql: "SELECT json_valid(?)", arguments: [manifest]) == true else {
            throw OsnovaError.damaged("the manifest of \(owner) is no JSON: install it again")
        }
        do {
            return try Row.fetchOne(
                database.cachedStatement(sql: "SELECT json_extract(?, ?) AS value"), arguments: [manifest, path]
            )?.text("value")
        } catch let error as DatabaseError where error.resultCode == .SQLITE_ERROR {
            throw OsnovaError(.usage, "\(path) is no JSON path: one looks like $.config.theme")
        }
    }

    fileprivate func keys(_ kind: RowKind, path: String, value: String?) throws -> [Data] {
        for text in [path, value] { try FieldCheck.text(text, "text that is asked for in manifests") }
        let condition = value == nil ? "" : "AND value = ?3"
        let sql = """
            SELECT DISTINCT key FROM manifest_fields WHERE kind = ?1 AND path = ?2 \(condition) ORDER BY 1
            """
        let arguments: [(any DatabaseValueConvertible)?] = [kind.rawValue, path] + (value.map { [$0] } ?? [])
        return try Data.fetchAll(database.cachedStatement(sql: sql), arguments: StatementArguments(arguments))
    }
}
