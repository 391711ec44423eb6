extension Catalog {
    /// Tells which listings change, whoever writes: this object, another one, another process, plain `sqlite3`.
    ///
    /// The stream begins with changes after this call. What changes while nobody takes an element is joined into one,
    /// so none is missed and nothing piles up. It ends when its task is cancelled or the database cannot be read any
    /// more. Each stream has a connection of its own, which looks at one number every interval.
    ///
    /// - Parameters:
    ///   - kinds: what is of interest. `files` is told of everything that the mounted tree shows.
    ///   - interval: how late a change may be told; a millisecond at least.
    /// - Throws: what the database throws when it is read for the first time.
    public func changes(
        of kinds: Set<ListingKind> = Set(ListingKind.allCases), every interval: Duration = .milliseconds(100)
    ) throws -> AsyncStream<Set<ListingKind>> {
        let start = try read { try ChangeCounters.read($0.database) }
        let (path, interval) = (path, Waiting.pause(interval))
        return AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            let task = Task.detached {
                try? await Self.watch(path, kinds, from: start, every: interval) { Self.tell($0, continuation) }
                continuation.finish()
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    private static func watch(
        _ path: String, _ kinds: Set<ListingKind>, from start: [ListingKind: Int64], every interval: Duration,
        _ tell: @Sendable (Set<ListingKind>) -> Void
    ) async throws {
        let commits = try CommitWatch(path: path)
        var seen = start
        while !Task.isCancelled {
            if let counters = try commits.news() {
                let changed = kinds.filter { counters[$0] != seen[$0] }
                seen = counters
                if !changed.isEmpty { tell(changed) }
            }
            try await Task.sleep(for: interval)
        }
    }

    /// What nobody took yet is joined with what is new; to be told twice does no harm, to miss one would.
    private static func tell(_ kinds: Set<ListingKind>, _ continuation: AsyncStream<Set<ListingKind>>.Continuation) {
        var kinds = kinds
        while case .dropped(let waiting) = continuation.yield(kinds), !waiting.isSubset(of: kinds) {
            kinds.formUnion(waiting)
        }
    }
}
