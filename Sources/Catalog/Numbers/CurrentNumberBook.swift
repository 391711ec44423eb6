internal import Primitives

/// The book of numbers as it lies at its path, opened anew where it was removed or begun anew under a mount.
///
/// All threads of a mount must have the same book: what one numbers, another is asked for. Used by one thread at a time.
public final class CurrentNumberBook {
    private let path: String
    private let allow: () throws -> Void
    private let makeRoom: () -> Bool
    private let onDamage: () -> Void
    private var book: NumberBook?

    /// Names the book, which is opened by its first use, and made where there is none or a damaged one: on a disk that
    /// takes nothing any more, only what needs it fails.
    ///
    /// - Parameters:
    ///   - allow: called before another book is opened; throws where what lies at the path may be another store's.
    ///   - makeRoom: called where the disk fails a number, which may be for want of room; whether it made some.
    ///   - onDamage: called when a damaged book was begun anew.
    public init(
        path: String, allow: @escaping () throws -> Void, makeRoom: @escaping () -> Bool,
        onDamage: @escaping () -> Void
    ) {
        self.path = path
        self.allow = allow
        self.makeRoom = makeRoom
        self.onDamage = onDamage
    }

    /// The book that lies at the path now.
    public func current() throws -> NumberBook {
        if let book, book.isCurrent { return book }
        // The first is opened unasked: a mount begins with a database that is in its place.
        if book != nil { try allow() }
        return try open()
    }

    /// What `body` makes of the book, or of a new one where it is damaged.
    public func use<Result>(_ body: (NumberBook) throws -> Result) throws -> Result {
        do {
            return try withRoom { try body(current()) }
        } catch let error as OsnovaError where error.kind == .damaged {
            return try body(mend())
        }
    }

    /// What `body` makes, which gives numbers; where the disk fails that, once more when there may be room.
    public func withRoom<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as OsnovaError where error.kind == .inputOutput {
            guard makeRoom() else { throw error }
            return try body()
        }
    }

    /// Begins the book anew where it is damaged, and opens it.
    @discardableResult
    public func mend() throws -> NumberBook {
        try allow()
        let wasDamaged = try NumberBook.remakeIfDamaged(path: path)
        defer { if wasDamaged { onDamage() } }
        return try open()
    }

    private func open() throws -> NumberBook {
        let opened = try NumberBook(path: path)
        if opened.wasDamaged { onDamage() }
        book = opened
        return opened
    }
}
