internal import Foundation
internal import GRDB
public import Primitives

/// A component's row of `component_registry`.
public struct Registration: Sendable, Equatable {
    /// What a component's process is said to do.
    public enum Status: String, Sendable, CaseIterable {
        case starting
        case running
        case stopping
        case stopped
        case crashed

        /// Whether a process belongs to it.
        public var isActive: Bool { self == .starting || self == .running || self == .stopping }
    }

    /// The component.
    public let componentID: String
    /// The version that was started.
    public let version: String
    /// The process.
    public let processID: Int64
    /// Where it is reached.
    public let endpoint: String
    /// What it is said to do.
    public let status: Status
    /// Unix seconds.
    public let startedAt: Int64
    /// Unix seconds; nil for one that gave no sign of life yet.
    public let lastHeartbeat: Int64?
    /// How often it was started again after a crash.
    public let restartCount: Int64

    init(_ row: Row) throws {
        componentID = row.text("component_id") ?? ""
        let stored = row.text("status") ?? ""
        guard let known = Status(rawValue: stored) else {
            throw OsnovaError.damaged("the registry has the unknown status \"\(stored)\" for \(componentID)")
        }
        status = known
        version = row.text("version") ?? ""
        processID = row.integer("pid") ?? 0
        endpoint = row.text("endpoint") ?? ""
        startedAt = row.integer("started_at") ?? 0
        lastHeartbeat = row.integer("last_heartbeat")
        restartCount = row.integer("restart_count") ?? 0
    }

    /// Whether an active component gave no sign of life for so many seconds.
    public func isStale(after timeout: Int64, now: Int64 = Clock.seconds) -> Bool {
        let (limit, isBeyond) = now.subtractingReportingOverflow(timeout)
        guard !isBeyond else { return status.isActive && timeout < 0 }
        return status.isActive && max(startedAt, lastHeartbeat ?? startedAt) < limit
    }
}

extension Reading {
    /// Whether a component is said to run, and where; nil where the registry does not know it.
    public func registration(of id: String) throws -> Registration? {
        let sql = """
            SELECT * FROM component_registry WHERE component_id IN (CAST(?1 AS TEXT), ?1) ORDER BY component_id LIMIT 1
            """
        return try Row.fetchOne(database.cachedStatement(sql: sql), arguments: [Data(id.utf8)]).map(Registration.init)
    }

    /// Registrations by component, a page at a time.
    ///
    /// - Throws: `usage` for another query's cursor, or a limit outside 1…10,000.
    public func registrations(
        _ status: Registration.Status? = nil, after cursor: Cursor? = nil, limit: Int = 100
    ) throws -> Page<Registration> {
        try Self.registrationListing(status).page(database, after: cursor, limit: limit, Registration.init)
    }

    static func registrationListing(_ status: Registration.Status?) -> Listing {
        Listing("component_registry", order: ["component_id"], descending: false)
            .with("component_id IS NOT NULL").with("status = ?", status?.rawValue)
    }

    /// The active components that gave no sign of life for so many seconds.
    public func staleRegistrations(after timeout: Int64, now: Int64 = Clock.seconds) throws -> [Registration] {
        try activeRegistrations().map(\.registration).filter { $0.isStale(after: timeout, now: now) }
    }

    /// The active components, each with the number of its row.
    func activeRegistrations() throws -> [(row: Int64, registration: Registration)] {
        let sql = "SELECT rowid AS row, * FROM component_registry WHERE status IN ('starting', 'running', 'stopping')"
        return try Row.fetchAll(database.cachedStatement(sql: sql))
            .map { ($0.integer("row") ?? 0, try Registration($0)) }
            .sorted { $0.registration.componentID < $1.registration.componentID }
    }

    /// Whether a registration's process lives; nil where that cannot be known from here.
    ///
    /// A process that got the number later is another one. Of a row that another program wrote only the number is
    /// known: there a process is another one if it started a minute after the component did.
    public func isAlive(_ registration: Registration) throws -> Bool? {
        // As bytes: a text would be cut at a NUL.
        let sql = "SELECT * FROM registry_processes WHERE component_id = CAST(? AS TEXT) AND pid = ?"
        let known = try Row.fetchOne(
            database.cachedStatement(sql: sql),
            arguments: [Data(registration.componentID.utf8), registration.processID]
        ).map {
            ProcessIdentity(
                processID: registration.processID, startTime: $0.integer("start_time") ?? 0,
                origin: $0.text("origin") ?? "")
        }
        if let known { return known.isAlive }
        guard let started = ProcessIdentity.startSecond(of: registration.processID) else { return false }
        let seen = max(registration.startedAt, registration.lastHeartbeat ?? registration.startedAt)
        return started <= seen.addingReportingOverflow(60).partialValue || seen > Int64.max - 60
    }
}
