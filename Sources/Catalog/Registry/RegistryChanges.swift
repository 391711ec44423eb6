internal import Foundation
internal import GRDB
public import Primitives

extension Writing {
    /// Registers that a component's process starts.
    ///
    /// - Parameters:
    ///   - processID: a living process, which is told from a later one of the same number.
    ///   - endpoint: where it will be reached.
    /// - Throws: `notFound` for an unknown component, `busy` while an earlier process of it lives.
    public func registerStart(
        of componentID: String, processID: Int64, endpoint: String, now: Int64 = Clock.seconds
    ) throws {
        try FieldCheck.text(componentID, "id of a component")
        try FieldCheck.text(endpoint, "endpoint of a component")
        try FieldCheck.time(now, "start time of a component")
        guard let component = try reading.component(componentID) else {
            throw OsnovaError(.notFound, "there is no component \(componentID): install it first")
        }
        let earlier = try reading.registration(of: componentID)
        if let earlier, earlier.status.isActive, earlier.processID != processID,
            try reading.isAlive(earlier) != false
        {
            throw OsnovaError(
                .busy, "component \(componentID) is \(earlier.status) as process \(earlier.processID): stop it first")
        }
        // One that was never seen to stop has crashed, whether or not anyone noticed.
        let crashes = earlier.flatMap { $0.status == .stopped ? nil : $0.restartCount.addingReportingOverflow(1) }
        let restarts = crashes.map { $0.overflow ? .max : $0.partialValue } ?? 0
        try upsert(component, processID, endpoint, now, restarts)
        try remember(processID, of: componentID)
    }

    private func upsert(
        _ component: Component, _ processID: Int64, _ endpoint: String, _ now: Int64, _ restarts: Int64
    ) throws {
        let sql = """
            INSERT INTO component_registry(component_id, version, pid, endpoint, status, started_at, last_heartbeat,
                restart_count) VALUES (?, ?, ?, ?, 'starting', ?, NULL, ?)
            ON CONFLICT(component_id) DO UPDATE SET version = excluded.version, pid = excluded.pid,
                endpoint = excluded.endpoint, status = excluded.status, started_at = excluded.started_at,
                last_heartbeat = NULL, restart_count = excluded.restart_count
            """
        try database.cachedStatement(sql: sql).execute(arguments: [
            component.id, component.version, processID, endpoint, now, restarts,
        ])
    }

    private func remember(_ processID: Int64, of componentID: String) throws {
        guard let identity = ProcessIdentity(livingProcess: processID) else {
            throw OsnovaError(.notFound, "process \(processID) does not run: start it before it is registered")
        }
        try database.cachedStatement(sql: "INSERT OR REPLACE INTO registry_processes VALUES (?, ?, ?, ?)")
            .execute(arguments: [componentID, processID, identity.startTime, identity.origin])
    }

    /// Says what a component's process does now.
    ///
    /// - Throws: `notFound` where the registry does not know the component, `usage` for an id with a NUL.
    public func setStatus(_ status: Registration.Status, of componentID: String) throws {
        try FieldCheck.text(componentID, "id of a component")
        try database.cachedStatement(sql: "UPDATE component_registry SET status = ? WHERE component_id = ?")
            .execute(arguments: [status.rawValue, componentID])
        guard database.changesCount > 0 else {
            throw OsnovaError(.notFound, "component \(componentID) was never started")
        }
    }

    /// Records signs of life of one process; one that is no longer registered changes nothing.
    ///
    /// - Throws: `usage` for an id with a NUL, or a time that is none.
    public func recordHeartbeat(of componentID: String, processID: Int64, at time: Int64) throws {
        try FieldCheck.text(componentID, "id of a component")
        try FieldCheck.time(time, "time of a sign of life")
        let sql = """
            UPDATE component_registry SET last_heartbeat = max(?, coalesce(last_heartbeat, 0))
            WHERE component_id = ? AND pid = ?
            """
        try database.cachedStatement(sql: sql).execute(arguments: [time, componentID, processID])
    }

    /// Marks every active component as crashed whose process is gone: what a shell does when it starts.
    ///
    /// A process in another PID namespace is left alone, since this one cannot see it.
    ///
    /// - Returns: the registrations as they were.
    @discardableResult
    public func markCrashedComponents() throws -> [Registration] {
        let dead = try reading.activeRegistrations().filter { try reading.isAlive($0.registration) == false }
        // By row: the id of another program's may be no text that finds it.
        for (row, _) in dead {
            try nodes.run(
                "UPDATE component_registry SET status = ? WHERE rowid = ?", [Registration.Status.crashed.rawValue, row])
        }
        return dead.map(\.registration)
    }

    /// Removes a component's registration; false where there is none.
    public func removeRegistration(of componentID: String) throws -> Bool {
        // As bytes: a text would be cut at a NUL.
        let id = Data(componentID.utf8)
        try nodes.run("DELETE FROM registry_processes WHERE component_id = CAST(? AS TEXT)", [id])
        try nodes.run("DELETE FROM component_registry WHERE component_id IN (CAST(?1 AS TEXT), ?1)", [id])
        return database.changesCount > 0
    }
}
