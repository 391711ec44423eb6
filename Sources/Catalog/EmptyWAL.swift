internal import GRDB
internal import Glibc
internal import Primitives

extension Catalog {
    /// Microseconds between two tries.
    private static let pause: UInt32 = 10_000

    /// Writes everything into the database itself and cuts the WAL to nothing.
    ///
    /// SQLite would keep its write lock while it waits for readers; here nobody waits while it is taken.
    ///
    /// - Parameter seconds: how long to try while other programs read.
    /// - Returns: whether it was emptied; if not, it is when the last program closes the database.
    public func emptyWAL(waitingAtMost seconds: Double) throws -> Bool {
        let deadline = Clock.monotonic &+ UInt64(seconds * 1e9)
        while true {
            let isEmpty = try maintain { database in
                try database.execute(sql: "PRAGMA busy_timeout = 0")
                let isEmpty = (try? database.checkpoint(.truncate)) != nil
                try database.execute(sql: "PRAGMA busy_timeout = \(Self.milliseconds(patience))")
                return isEmpty
            }
            guard !isEmpty, Clock.monotonic < deadline else { return isEmpty }
            usleep(Self.pause)
        }
    }
}
