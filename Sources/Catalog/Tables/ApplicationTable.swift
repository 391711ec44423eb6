internal import Foundation
internal import GRDB
public import Primitives

/// A row of `applications`.
public struct Application: Sendable, Equatable {
    /// The application id: any text, `ant://…` addresses included.
    public var id: String
    /// What people call it.
    public var name: String
    /// The version as the manifest has it.
    public var version: String
    /// What it is for.
    public var description: String?
    /// Who publishes it.
    public var author: String?
    /// The blob of the icon.
    public var icon: ContentID?
    /// The manifest as it was given, byte for byte.
    public var manifest: String
    /// Where the network has it.
    public var autonomiAddress: String?
    /// Unix seconds.
    public var installedAt: Int64
    /// Unix seconds.
    public var lastLaunched: Int64?
    /// How often it was launched.
    public var launchCount: Int64

    /// Makes a row that was never launched.
    public init(
        id: String, name: String, version: String, description: String? = nil, author: String? = nil,
        icon: ContentID? = nil, manifest: String, autonomiAddress: String? = nil, installedAt: Int64 = Clock.seconds
    ) {
        self.id = id
        self.name = name
        self.version = version
        self.description = description
        self.author = author
        self.icon = icon
        self.manifest = manifest
        self.autonomiAddress = autonomiAddress
        self.installedAt = installedAt
        launchCount = 0
    }

    init(_ row: Row) {
        id = row.text("application_id") ?? ""
        name = row.text("name") ?? ""
        version = row.text("version") ?? ""
        description = row.text("description")
        author = row.text("author")
        icon = row.text("icon_blob_hash").flatMap { ContentID(hex: $0) }
        manifest = row.text("manifest_json") ?? ""
        autonomiAddress = row.text("autonomi_address")
        installedAt = row.integer("installed_at") ?? 0
        lastLaunched = row.integer("last_launched")
        launchCount = row.integer("launch_count") ?? 0
    }

    func check() throws {
        for (text, name) in [(id, "id"), (name, "name"), (version, "version"), (manifest, "manifest")] {
            try FieldCheck.text(text, "\(name) of an application")
        }
        for text in [description, author, autonomiAddress] { try FieldCheck.text(text, "text of an application") }
        try FieldCheck.time(installedAt, "installation time of an application")
    }
}

extension Reading {
    /// The application of an id; nil where there is none.
    public func application(_ id: String) throws -> Application? { try application(key: Data(id.utf8)) }

    /// The application of an id's bytes, whichever type another program stored them as.
    func application(key: Data) throws -> Application? {
        let sql = """
            SELECT * FROM applications WHERE application_id IN (CAST(?1 AS TEXT), ?1) ORDER BY application_id LIMIT 1
            """
        return try Row.fetchOne(database.cachedStatement(sql: sql), arguments: [key]).map(Application.init)
    }

    /// All applications by id.
    public func applications() throws -> [Application] {
        try Row.fetchAll(database, sql: "SELECT * FROM applications ORDER BY application_id").map(Application.init)
    }
}

extension Writing {
    /// Inserts an application, or brings the row of the same id to this version.
    ///
    /// Launch times stay, and so does the icon where the new row brings none.
    ///
    /// - Throws: `usage` for a value that an application cannot have.
    public func save(_ application: Application) throws {
        try application.check()
        try database.execute(
            sql: """
                INSERT INTO applications(application_id, name, version, description, author, icon_blob_hash,
                    manifest_json, autonomi_address, installed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT(application_id) DO UPDATE SET name = excluded.name, version = excluded.version,
                    description = excluded.description, author = excluded.author,
                    icon_blob_hash = coalesce(excluded.icon_blob_hash, icon_blob_hash),
                    manifest_json = excluded.manifest_json, autonomi_address = excluded.autonomi_address,
                    installed_at = excluded.installed_at
                """,
            arguments: [
                application.id, application.name, application.version, application.description, application.author,
                application.icon?.hex, application.manifest, application.autonomiAddress, application.installedAt,
            ])
    }

    /// Removes an application; false where there is none.
    public func removeApplication(_ id: String) throws -> Bool {
        try nodes.run("DELETE FROM applications WHERE application_id IN (CAST(?1 AS TEXT), ?1)", [Data(id.utf8)])
        return database.changesCount > 0
    }
}
