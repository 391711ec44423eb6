internal import GRDBSQLite
internal import Glibc
internal import Primitives
internal import SystemPackage

/// Copies of the book, from which a restored data root goes on with the same numbers.
extension NumberBook {
    /// Copies one consistent state into a new file while drivers write, with what is known of each file as it is now.
    ///
    /// A file that changed after it got its number is known by its old size and time. A restored file is recognised by
    /// these two alone, so they must be those that it will be restored with. The copy is one file and not durable yet.
    ///
    /// - Parameters:
    ///   - path: of the book.
    ///   - target: must not exist.
    ///   - identity: what is to be known of the file at a path from the data root on; nil for what is not in the backup.
    public static func copy(
        _ path: String, to target: String, identity: (_ names: [[UInt8]]) throws -> Identity?
    ) throws {
        if mknod(target, S_IFREG | 0o600, 0) != 0 {
            throw Errno(rawValue: errno).failure("making \(target)", kind: .cannotCreate)
        }
        CrashPoint.pass()
        let copy = try Connection(path: target, creating: false)
        // What a killed run leaves is thrown away.
        try copy.execute("PRAGMA synchronous = OFF")
        try Connection(path: path).copyPages(to: copy, from: path)
        try copy.execute("PRAGMA journal_mode = DELETE")
        guard try Statement("PRAGMA user_version", on: copy.handle).first({ $0.integer(0) }) == 1 else {
            throw OsnovaError.damaged("\(path) is no book of numbers that this program knows")
        }
        try copy.transaction { try Refreshment(copy).run(identity) }
    }

    /// Enters what is known of files now.
    private struct Refreshment {
        private struct Row {
            let number: Int64
            let name: [UInt8]
            let identity: (inode: UInt64, born: Int64, type: UInt32)
        }

        private let children: Statement
        private let refreshment: Statement

        init(_ connection: Connection) throws {
            children = try Statement(
                "SELECT id, name, inode, born, type FROM entries WHERE parent = ?1 ORDER BY id", on: connection.handle)
            // What is shown for a time of the file is shown no longer once the file has another.
            refreshment = try Statement(
                """
                UPDATE entries SET size = ?2, modified = ?3, shown = CASE WHEN changed = ?4 THEN shown END, changed = ?4
                WHERE id = ?1
                """, on: connection.handle)
        }

        func run(_ identity: ([[UInt8]]) throws -> Identity?) throws {
            // Directories that are still to be looked into; a book that was tampered with may have a circle.
            var waiting: [(number: Int64, names: [[UInt8]])] = [(0, [])]
            var seen: Set<Int64> = [0]
            while let (number, names) = waiting.popLast() {
                for row in try rows(in: number) where seen.insert(row.number).inserted {
                    let path = names + [row.name]
                    // A number of a file that is no longer there stays as it is: it will be struck out.
                    guard let now = try identity(path), row.identity == (now.inode, now.born, now.type) else {
                        continue
                    }
                    refreshment.bind(row.number, at: 1)
                    refreshment.bind(now.size, at: 2)
                    refreshment.bind(now.modified, at: 3)
                    refreshment.bind(now.changed, at: 4)
                    try refreshment.run()
                    if now.type == UInt32(S_IFDIR) { waiting.append((row.number, path)) }
                }
            }
        }

        private func rows(in parent: Int64) throws -> [Row] {
            children.bind(parent, at: 1)
            var found: [Row] = []
            try children.forEach { row in
                found.append(
                    Row(
                        number: row.integer(0), name: [UInt8](row.bytes(1)),
                        identity: (
                            UInt64(bitPattern: row.integer(2)), row.integer(3),
                            UInt32(truncatingIfNeeded: row.integer(4))
                        )))
                return true
            }
            return found
        }
    }
}
