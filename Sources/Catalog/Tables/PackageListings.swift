internal import GRDB
internal import Primitives

/// Which components a listing has.
public struct ComponentFilter: Sendable {
    /// Just those of a kind.
    public var kind: Component.Kind?
    /// Just those of an author, as the column has it.
    public var author: String?

    /// Makes a filter; what is nil does not filter.
    public init(kind: Component.Kind? = nil, author: String? = nil) {
        self.kind = kind
        self.author = author
    }

    var listing: Listing {
        Listing("components", order: ["installed_at", "component_id"], descending: true)
            .with("component_id IS NOT NULL")
            .with("author = ?", author)
            .with("\(author == nil ? "" : "+")type = ?", kind?.rawValue)
    }
}

extension Reading {
    /// Components, the newest installation first, a page at a time; costs time in proportion to the page.
    ///
    /// - Throws: `usage` for another query's cursor, or a limit outside 1…10,000.
    public func components(
        _ filter: ComponentFilter, after cursor: Cursor? = nil, limit: Int = 100
    ) throws -> Page<Component> {
        try filter.listing.page(database, after: cursor, limit: limit, Component.init)
    }

    /// Components of at least a version, by version as semver orders them; reads every row, as no index can know semver.
    public func components(versionAtLeast version: SemanticVersion) throws -> [Component] {
        let sql = """
            SELECT * FROM components WHERE version >= ? COLLATE semver ORDER BY version COLLATE semver, component_id
            """
        return try Row.fetchAll(database.cachedStatement(sql: sql), arguments: [version.text]).map(Component.init)
    }

    /// Applications, the newest installation first, a page at a time; costs time in proportion to the page.
    ///
    /// - Throws: `usage` for another query's cursor, or a limit outside 1…10,000.
    public func applications(after cursor: Cursor?, limit: Int = 100) throws -> Page<Application> {
        try Self.newestApplications.page(database, after: cursor, limit: limit, Application.init)
    }

    /// Applications that were launched, the last one first, a page at a time.
    ///
    /// - Throws: `usage` for another query's cursor, or a limit outside 1…10,000.
    public func launchedApplications(after cursor: Cursor? = nil, limit: Int = 100) throws -> Page<Application> {
        try Self.lastLaunchedApplications.page(database, after: cursor, limit: limit, Application.init)
    }

    static let newestApplications = Listing(
        "applications", order: ["installed_at", "application_id"], descending: true
    ).with("application_id IS NOT NULL")

    static let lastLaunchedApplications = Listing(
        "applications", order: ["last_launched", "application_id"], descending: true
    ).with("last_launched IS NOT NULL").with("application_id IS NOT NULL")
}

extension Component {
    /// The version as semver understands it; nil for a row of another program that has something else.
    public var semanticVersion: SemanticVersion? { SemanticVersion(version) }
}

extension Application {
    /// The version as semver understands it; nil for a row that has something else.
    public var semanticVersion: SemanticVersion? { SemanticVersion(version) }
}
