internal import Foundation
internal import GRDB
public import Primitives

/// A row of `components`.
public struct Component: Sendable, Equatable {
    /// The two kinds of component that the seed has.
    public enum Kind: String, Sendable, CaseIterable {
        case frontend
        case backend
    }

    /// The component id: any text, `ant://…` addresses included.
    public var id: String
    /// What people call it.
    public var name: String
    /// The version as the manifest has it.
    public var version: String
    /// Whether it runs in the shell or beside it.
    public var kind: Kind
    /// What it is for.
    public var description: String?
    /// Who publishes it.
    public var author: String?
    /// Its licence, an SPDX expression as a rule.
    public var license: String?
    /// The manifest as it was given, byte for byte.
    public var manifest: String
    /// Where the network has its artifact; `local:<id>@<version>` for one that was installed from a file.
    public var autonomiAddress: String?
    /// Unix seconds.
    public var installedAt: Int64
    /// Unix seconds.
    public var lastUsed: Int64?

    /// Makes a row that was never used.
    public init(
        id: String, name: String, version: String, kind: Kind, description: String? = nil, author: String? = nil,
        license: String? = nil, manifest: String, autonomiAddress: String? = nil, installedAt: Int64 = Clock.seconds
    ) {
        self.id = id
        self.name = name
        self.version = version
        self.kind = kind
        self.description = description
        self.author = author
        self.license = license
        self.manifest = manifest
        self.autonomiAddress = autonomiAddress
        self.installedAt = installedAt
    }

    /// The cache address of the component's artifact: its own, or one made from its id and version.
    public var artifactAddress: String { autonomiAddress ?? "local:\(id)@\(version)" }

    func check() throws {
        // An empty id is allowed by the seed and shown as a lone '%'.
        for (text, name) in [(id, "id"), (name, "name"), (version, "version"), (manifest, "manifest")] {
            try FieldCheck.text(text, "\(name) of a component")
        }
        for text in [description, author, license, autonomiAddress] {
            try FieldCheck.text(text, "text of a component")
        }
        try FieldCheck.time(installedAt, "installation time of a component")
    }

    init(_ row: Row) {
        id = row.text("component_id") ?? ""
        name = row.text("name") ?? ""
        version = row.text("version") ?? ""
        kind = Kind(rawValue: row.text("type") ?? "") ?? .backend
        description = row.text("description")
        author = row.text("author")
        license = row.text("license")
        manifest = row.text("manifest_json") ?? ""
        autonomiAddress = row.text("autonomi_address")
        installedAt = row.integer("installed_at") ?? 0
        lastUsed = row.integer("last_used")
    }
}

extension Reading {
    /// The component of an id; nil where there is none.
    public func component(_ id: String) throws -> Component? { try component(key: Data(id.utf8)) }

    /// The component of an id's bytes, whichever type another program stored them as.
    func component(key: Data) throws -> Component? {
        let sql = "SELECT * FROM components WHERE component_id IN (CAST(?1 AS TEXT), ?1) ORDER BY component_id LIMIT 1"
        return try Row.fetchOne(database.cachedStatement(sql: sql), arguments: [key]).map(Component.init)
    }

    /// All components by id.
    public func components() throws -> [Component] {
        try Row.fetchAll(database, sql: "SELECT * FROM components ORDER BY component_id").map(Component.init)
    }
}

extension Writing {
    /// Inserts a component, or brings the row of the same id to this version; times of use stay.
    ///
    /// - Throws: `usage` for a value that a component cannot have.
    public func save(_ component: Component) throws {
        try component.check()
        try database.execute(
            sql: """
                INSERT INTO components(component_id, name, version, type, description, author, license, manifest_json,
                    autonomi_address, installed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT(component_id) DO UPDATE SET name = excluded.name, version = excluded.version,
                    type = excluded.type, description = excluded.description, author = excluded.author,
                    license = excluded.license, manifest_json = excluded.manifest_json,
                    autonomi_address = excluded.autonomi_address, installed_at = excluded.installed_at
                """,
            arguments: [
                component.id, component.name, component.version, component.kind.rawValue, component.description,
                component.author, component.license, component.manifest, component.autonomiAddress,
                component.installedAt,
            ])
    }

    /// Removes a component with its registry row; false where there is none.
    public func removeComponent(_ id: String) throws -> Bool {
        _ = try removeRegistration(of: id)
        try nodes.run("DELETE FROM components WHERE component_id IN (CAST(?1 AS TEXT), ?1)", [Data(id.utf8)])
        return database.changesCount > 0
    }
}
