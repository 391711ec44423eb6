internal import GRDB
internal import Primitives

extension Catalog {
    /// Writes everything into the database itself and cuts the WAL to nothing.
    ///
    /// SQLite would keep its write lock while it waits for readers; here nobody waits while it is taken.
    ///
    /// - Parameter seconds: how long to try while other programs read.
    /// - Returns: whether it was emptied; if not, it is when the last program closes the database.
    public func emptyWAL(waitingAtMost seconds: Double) throws -> Bool {
        try Patience.tries(forAtMost: seconds) {
            try maintain { database in
                try database.execute(sql: "PRAGMA busy_timeout = 0")
                let isEmpty = (try? database.checkpoint(.truncate)) != nil
                try database.execute(sql: "PRAGMA busy_timeout = \(Self.milliseconds(patience))")
                return isEmpty
            }
        }
    }
}
