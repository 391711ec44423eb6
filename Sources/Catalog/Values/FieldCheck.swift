internal import Primitives

/// Refuses values that a row must not hold, before SQLite sees them.
enum FieldCheck {
    /// Checks a text that is written or asked for: it would be cut silently at a NUL, and stand for another one.
    ///
    /// - Throws: `usage`.
    static func text(_ value: String?, _ name: String) throws {
        guard let value, value.utf8.contains(0) else { return }
        throw OsnovaError(.usage, "the \(name) holds a NUL character: remove it")
    }

    /// Checks a text that identifies something.
    ///
    /// - Throws: `usage`.
    static func identifier(_ value: String, _ name: String) throws {
        guard !value.isEmpty else { throw OsnovaError(.usage, "the \(name) is empty: give one") }
        try text(value, name)
    }

    /// Checks a Unix time in seconds.
    ///
    /// - Throws: `usage` for one before 1970, or so late that a calendar does not know it.
    static func time(_ value: Int64?, _ name: String) throws {
        guard let value, !(0...latestTime).contains(value) else { return }
        throw OsnovaError(.usage, "the \(name) is \(value): it must be Unix seconds, between 0 and \(latestTime)")
    }

    /// Checks a number that counts something.
    ///
    /// - Throws: `usage`.
    static func count(_ value: Int64, _ name: String) throws {
        guard value < 0 else { return }
        throw OsnovaError(.usage, "the \(name) is \(value): it must not be negative")
    }

    /// The last second of the year 9999.
    static let latestTime: Int64 = 253_402_300_799
}
