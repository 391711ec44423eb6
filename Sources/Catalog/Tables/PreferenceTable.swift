internal import Foundation
internal import GRDB
internal import Primitives

/// A row of `user_preferences`.
public struct Preference: Sendable, Equatable {
    /// What it is called.
    public let key: String
    /// The value as JSON; what another program wrote may be none.
    public let json: String
    /// Unix seconds.
    public let updatedAt: Int64

    init(_ row: Row) {
        key = row.text("key") ?? ""
        json = row.text("value") ?? ""
        updatedAt = row.integer("updated_at") ?? 0
    }

    /// The value as a type.
    ///
    /// - Throws: `damaged` where it is no JSON, or JSON of another shape.
    public func value<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(json.utf8))
        } catch {
            throw OsnovaError.damaged("the preference \(key) does not hold what is expected of it: set it again")
        }
    }
}

extension Reading {
    /// The preference of a key as a type; nil where there is none.
    ///
    /// - Throws: `damaged` where another program wrote something that is not of this type, `usage` for a key with a NUL.
    public func preference<Value: Decodable>(_ key: String, as type: Value.Type = Value.self) throws -> Value? {
        try preference(named: key)?.value(as: type)
    }

    /// The row of a preference; nil where there is none.
    ///
    /// - Throws: `usage` for a key with a NUL.
    public func preference(named key: String) throws -> Preference? {
        try FieldCheck.text(key, "key of a preference")
        return try Row.fetchOne(
            database.cachedStatement(sql: "SELECT * FROM user_preferences WHERE key = ?"), arguments: [key]
        ).map(Preference.init)
    }

    /// Preferences by key, a page at a time.
    ///
    /// - Parameter prefix: just the keys that begin so; empty for all.
    /// - Throws: `usage` for another query's cursor, or a limit outside 1…10,000.
    public func preferences(
        prefix: String = "", after cursor: Cursor? = nil, limit: Int = 100
    ) throws -> Page<Preference> {
        try Self.preferenceListing(prefix).page(database, after: cursor, limit: limit, Preference.init)
    }

    static func preferenceListing(_ prefix: String) -> Listing {
        Listing("user_preferences", order: ["key"], descending: false)
            // Behind every text that begins with the prefix: no UTF-8 holds this byte.
            .with("key >= ?", prefix.isEmpty ? nil : prefix)
            .with("key < CAST(? AS TEXT)", prefix.isEmpty ? nil : Data(prefix.utf8) + [0xFF])
            .with("key IS NOT NULL")
    }
}

extension Writing {
    /// Sets a preference to any value that has a JSON form.
    ///
    /// - Throws: `usage` for a key that is empty or holds a NUL, or a value without a JSON form, such as a NaN.
    public func setPreference(_ key: String, to value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let json = try? encoder.encode(value) else {
            throw OsnovaError(.usage, "the value of the preference \(key) has no JSON form")
        }
        try setPreference(key, json: String(decoding: json, as: UTF8.self))
    }

    /// Sets a preference to a JSON text.
    ///
    /// - Throws: `usage` for what is no JSON.
    public func setPreference(_ key: String, json: String) throws {
        try FieldCheck.identifier(key, "key of a preference")
        try FieldCheck.text(json, "value of a preference")
        guard try isJSON(json) else {
            throw OsnovaError(.usage, "the value of \(key) is no JSON: a text needs its quotes, as in '\"dark\"'")
        }
        let sql = """
            INSERT INTO user_preferences(key, value, updated_at) VALUES (?, ?, ?)
            ON CONFLICT(key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at
            """
        try database.cachedStatement(sql: sql).execute(arguments: [key, json, Clock.seconds])
    }

    /// Whether both Foundation and SQLite take a text for JSON: the one reads over a byte order mark and a comma too many, the
    /// other over half a surrogate.
    private func isJSON(_ text: String) throws -> Bool {
        let isValid = try Bool.fetchOne(
            database.cachedStatement(sql: "SELECT json_valid(?)"), arguments: [text])
        return isValid == true
            && (try? JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)) != nil
    }

    /// Removes a preference; false where there is none.
    ///
    /// - Throws: `usage` for a key with a NUL.
    public func removePreference(_ key: String) throws -> Bool {
        try FieldCheck.text(key, "key of a preference")
        try database.cachedStatement(sql: "DELETE FROM user_preferences WHERE key = ?").execute(arguments: [key])
        return database.changesCount > 0
    }
}
