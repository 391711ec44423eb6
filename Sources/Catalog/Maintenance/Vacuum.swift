internal import GRDB

/// When free pages are worth giving back.
public struct VacuumPolicy: Sendable {
    /// Free pages in every hundred from which on a vacuum is worth it.
    public var minimumFreePercent: Int64
    /// Free bytes from which on a vacuum is worth it.
    public var minimumFreeBytes: Int64
    /// Pages of one step: between steps other writers get their turn.
    public var pagesPerStep: Int64

    /// Makes a policy; the defaults leave a store alone that has less than 10 percent and 1 MiB to give back.
    public init(minimumFreePercent: Int64 = 10, minimumFreeBytes: Int64 = 1 << 20, pagesPerStep: Int64 = 512) {
        self.minimumFreePercent = minimumFreePercent
        self.minimumFreeBytes = minimumFreeBytes
        self.pagesPerStep = max(1, pagesPerStep)
    }

    /// Gives back whatever is free.
    public static let everything = VacuumPolicy(minimumFreePercent: 0, minimumFreeBytes: 1)

    func isWorth(_ pages: PageCounts) -> Bool {
        pages.free > 0 && pages.free.multipliedReportingOverflow(by: pages.size).partialValue >= minimumFreeBytes
            && pages.free &* 100 >= minimumFreePercent &* pages.total
    }
}

/// The pages of a database file.
struct PageCounts {
    let size: Int64
    let total: Int64
    let free: Int64
    let isIncremental: Bool

    init(_ database: Database) throws {
        func number(_ pragma: String) throws -> Int64 { try Int64.fetchOne(database, sql: "PRAGMA \(pragma)") ?? 0 }
        size = try number("page_size")
        total = try number("page_count")
        free = try number("freelist_count")
        isIncremental = try number("auto_vacuum") == 2
    }
}

/// What a vacuum did.
public struct VacuumOutcome: Sendable, Equatable {
    /// Bytes of the database before.
    public let bytesBefore: Int64
    /// Bytes of the database after.
    public let bytesAfter: Int64
    /// Whether the whole database was written anew.
    public let wasFull: Bool
}

extension Catalog {
    /// Gives free pages back to the disk, some at a time, if a policy says that it is worth it.
    ///
    /// Others can read all the time and write between the steps. A database that another program made cannot give back
    /// single pages; it is left as it is until a ``vacuumFully()`` has changed that.
    ///
    /// - Parameter isIdle: asked before every step; false ends it, and the rest is left for another time.
    /// - Returns: what was done; nil where it was not worth it.
    public func vacuum(
        _ policy: VacuumPolicy = VacuumPolicy(), while isIdle: () -> Bool = { true }
    ) throws -> VacuumOutcome? {
        try requireWritable()
        let before = try maintain { try PageCounts($0) }
        guard before.isIncremental, policy.isWorth(before) else { return nil }
        var left = before.free
        while left > 0, isIdle() {
            try maintain { database in
                try database.execute(sql: "PRAGMA incremental_vacuum(\(policy.pagesPerStep))")
                left = try PageCounts(database).free
            }
        }
        return try finish(before, isFull: false)
    }

    /// Writes the whole database anew: the smallest it can be, and able to give back single pages from now on.
    ///
    /// Needs the size of the database once more on its disk, and keeps other writers waiting for as long as it takes.
    public func vacuumFully() throws -> VacuumOutcome {
        try requireWritable()
        let before = try maintain { database in
            let before = try PageCounts(database)
            try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
            try database.execute(sql: "VACUUM")
            return before
        }
        return try finish(before, isFull: true)
    }

    private func finish(_ before: PageCounts, isFull: Bool) throws -> VacuumOutcome {
        let after = try maintain { database in
            _ = try? database.checkpoint(.truncate)
            return try PageCounts(database)
        }
        return VacuumOutcome(
            bytesBefore: before.total &* before.size, bytesAfter: after.total &* after.size, wasFull: isFull)
    }
}
