internal import Primitives
internal import SystemPackage

/// Where the book lies: what was restored or copied with it are other files than those that got the numbers.
extension NumberBook {
    /// Unix nanoseconds at which the book was first opened in the place where it lies now.
    ///
    /// A data root that was restored or copied has another file in the place of each, the book's own among them. What
    /// takes a name later is no part of that, however much it looks like the file from before: it has a later time of its
    /// last change, which nobody can set. So has what is renamed.
    static func placed(_ path: String, _ connection: Connection) throws -> Int64 {
        let look: BeneathDirectory.Look
        do {
            look = try BeneathDirectory.look(atPath: path)
        } catch {
            throw error.failure("looking at \(path)", kind: .inputOutput)
        }
        return try connection.transaction {
            try connection.execute(schemaOfPlace)
            let now = Clock.nanoseconds
            let known = try Statement("SELECT inode, born, since FROM place", on: connection.handle).first {
                (inode: UInt64(bitPattern: $0.integer(0)), born: $0.integer(1), since: $0.integer(2))
            }
            // A time in the future was written by a clock that was wrong.
            if let known, known.inode == look.inode, known.born == look.born, known.since <= now { return known.since }
            let change = try Statement("INSERT OR REPLACE INTO place VALUES (1, ?1, ?2, ?3)", on: connection.handle)
            change.bind(Int64(bitPattern: look.inode), at: 1)
            change.bind(look.born, at: 2)
            change.bind(now, at: 3)
            try change.run()
            return now
        }
    }

    /// Books from before have no such table.
    private static let schemaOfPlace = """
        CREATE TABLE IF NOT EXISTS place (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            inode INTEGER NOT NULL,   -- of the book itself, as its disk has it
            born INTEGER NOT NULL,
            since INTEGER NOT NULL    -- Unix nanoseconds
        );
        """
}
