internal import GRDBSQLite
internal import Glibc
public import Primitives

/// The blobs of a store with what is known of their verification: from `osnova.db` and ``UpkeepBook`` together.
///
/// Reads page by page: no read transaction lasts longer than a page. Used by one thread at a time.
public final class UpkeepReader {
    /// When a blob was last verified.
    public struct LastCheck: Sendable {
        /// The row of the blob.
        public let blob: Int64
        /// The SHA-256 of its plaintext.
        public let id: ContentID
        /// Unix seconds at which it was last found sound; nil for never.
        public let verified: Int64?
        /// Unix seconds at which it was last looked at, whatever was found; nil for never.
        public let checked: Int64?
    }

    private static let pageSize: Int64 = 4096

    private let connection: Connection
    private let page: Statement
    private let strays: Statement
    private let anyCheck: Statement

    /// Opens both databases; the book must be there.
    public init(catalog: String, book: String) throws {
        connection = try Connection(path: catalog)
        try connection.execute("ATTACH '\(book.replacing("'", with: "''"))' AS upkeep")
        page = try Statement(
            """
            SELECT blobs.id, blobs.sha256, blobs.verified_at, checks.checked_at, checks.reason
            FROM blobs LEFT JOIN upkeep.checks ON checks.blob = blobs.id AND checks.sha256 = blobs.sha256
            WHERE blobs.id > ?1 ORDER BY blobs.id LIMIT ?2
            """, on: connection.handle)
        anyCheck = try Statement("SELECT EXISTS (SELECT 1 FROM upkeep.checks)", on: connection.handle)
        strays = try Statement(
            """
            SELECT blob FROM upkeep.checks WHERE NOT EXISTS (
                SELECT 1 FROM blobs WHERE blobs.id = checks.blob AND blobs.sha256 = checks.sha256) LIMIT ?1
            """, on: connection.handle)
    }

    /// Opens both databases; nil where there is no book.
    public static func existing(catalog: String, book: String) throws -> UpkeepReader? {
        access(book, F_OK) == 0 ? try UpkeepReader(catalog: catalog, book: book) : nil
    }

    /// Calls `body` for each blob, in the order of the rows.
    ///
    /// - Parameter now: Unix seconds.
    public func forEachBlob(now: Int64, _ body: (LastCheck) -> Void) throws {
        var last: Int64 = 0
        var count: Int64 = 0
        repeat {
            count = 0
            page.bind(last, at: 1)
            page.bind(Self.pageSize, at: 2)
            try page.forEach { row in
                last = row.integer(0)
                count += 1
                guard let id = ContentID(hex: row.bytes(1)) else { return true }
                let recorded = row.isNull(2) ? nil : row.integer(2)
                let checked = row.isNull(3) ? nil : row.integer(3)
                body(
                    LastCheck(
                        blob: last, id: id,
                        verified: CheckTime.latest(recorded, row.isNull(4) ? checked : nil, now: now),
                        checked: CheckTime.latest(recorded, checked, now: now)))
                return true
            }
        } while count == Self.pageSize
    }

    /// Whether the book tells of any check.
    public func hasChecks() throws -> Bool { try anyCheck.first { $0.integer(0) != 0 } ?? false }

    /// Blobs that the book knows and the store does not have any more, at most so many.
    public func strayBlobs(atMost limit: Int64) throws -> [Int64] {
        var found: [Int64] = []
        strays.bind(limit, at: 1)
        try strays.forEach {
            found.append($0.integer(0))
            return true
        }
        return found
    }
}

/// Times of verifications, which two databases tell and a clock that may be set back.
public enum CheckTime {
    /// Seconds by which a clock may differ from itself: what is further in the future says nothing.
    static let tolerance: Int64 = 3600

    /// The later of two times, either of which may be missing; nil where there is none that has come.
    ///
    /// A blob that seems to have been verified in the future was verified by a clock that was wrong: it is as if nobody had.
    public static func latest(_ one: Int64?, _ other: Int64?, now: Int64) -> Int64? {
        [one, other].compactMap { $0 }.filter { $0 <= now &+ tolerance }.max()
    }
}
