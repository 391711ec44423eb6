/// What went wrong, in one line for a person and one kind for a program.
///
/// Each room throws this type, so the command can choose an exit code and the driver an errno in one place each.
/// A message says what, where and what to do; it never holds a secret.
public struct OsnovaError: Error, Sendable, Equatable {
    /// The kinds of failure that callers tell apart.
    public enum Kind: Sendable {
        /// The request itself makes no sense.
        case usage
        /// Data is damaged, forged or malformed.
        case damaged
        /// What was asked for is not there.
        case notFound
        /// FUSE or another service is missing.
        case unavailable
        /// Something could not be created.
        case cannotCreate
        /// The operating system failed an operation.
        case inputOutput
        /// Something is in use; trying again may succeed.
        case busy
        /// A wrong phrase or password, or a missing permission.
        case denied
    }

    /// The kind that decides an exit code or an errno.
    public let kind: Kind
    /// One line: what, where, what to do.
    public let message: String

    /// Makes an error of a kind with its line.
    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// The error for content that failed verification.
    public static func damaged(_ message: String) -> OsnovaError {
        OsnovaError(.damaged, message)
    }
}

extension OsnovaError: CustomStringConvertible {
    /// The message: what, where, and what to do.
    public var description: String { message }
}
