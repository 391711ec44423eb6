internal import Primitives

/// The book of numbers as it lies at its path, opened anew where it was removed or begun anew under a mount.
///
/// All threads of a mount must have the same book: what one numbers, another is asked for. Used by one thread at a time.
public final class CurrentNumberBook {
    private let path: String
    private let allow: () throws -> Void
    private let onDamage: () -> Void
    private var book: NumberBook

    /// Opens the book, and makes it where there is none or a damaged one.
    ///
    /// - Parameters:
    ///   - allow: called before another book is opened; throws where what lies at the path may be another store's.
    ///   - onDamage: called when a damaged book was begun anew.
    public init(path: String, allow: @escaping () throws -> Void, onDamage: @escaping () -> Void) throws {
        self.path = path
        self.allow = allow
        self.onDamage = onDamage
        book = try NumberBook(path: path)
        if book.wasDamaged { onDamage() }
    }

    /// The book that lies at the path now.
    public func current() throws -> NumberBook {
        if !book.isCurrent { try reopen() }
        return book
    }

    /// What `body` makes of the book, or of a new one where it is damaged.
    public func use<Result>(_ body: (NumberBook) throws -> Result) throws -> Result {
        do {
            return try body(current())
        } catch let error as OsnovaError where error.kind == .damaged {
            try mend()
            return try body(book)
        }
    }

    /// Begins the book anew where it is damaged.
    public func mend() throws {
        try allow()
        let wasDamaged = try NumberBook.remakeIfDamaged(path: path)
        try reopen()
        if wasDamaged { onDamage() }
    }

    private func reopen() throws {
        try allow()
        book = try NumberBook(path: path)
        if book.wasDamaged { onDamage() }
    }
}
