/// Vacuums a database by policy whenever nobody has written to it for a while; stops with its last reference.
public final class VacuumSchedule: Sendable {
    private let task: Task<Void, Never>

    /// Begins to watch.
    ///
    /// - Parameters:
    ///   - idle: how long nobody, of whatever process, must have written; a millisecond at least.
    ///   - onVacuum: told what was done; from any thread.
    public init(
        _ catalog: Catalog, policy: VacuumPolicy = VacuumPolicy(), idle: Duration = .seconds(60),
        onVacuum: @escaping @Sendable (VacuumOutcome) -> Void = { _ in }
    ) {
        let idle = Waiting.pause(idle)
        task = Task.detached { try? await Self.run(catalog, policy, idle, onVacuum) }
    }

    deinit { task.cancel() }

    private static func run(
        _ catalog: Catalog, _ policy: VacuumPolicy, _ idle: Duration, _ onVacuum: @Sendable (VacuumOutcome) -> Void
    ) async throws {
        let commits = try CommitWatch(path: catalog.path)
        _ = try commits.news()
        while !Task.isCancelled {
            try await Task.sleep(for: idle)
            guard try commits.news() == nil else { continue }
            // What fails now, because the disk is full or a lock is held, may succeed after the next quiet while.
            if let outcome = try? catalog.vacuum(policy, while: { !Task.isCancelled }) { onVacuum(outcome) }
            _ = try commits.news()
        }
    }
}
