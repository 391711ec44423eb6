internal import Primitives

/// Whose keys are meant: the name of a folder under `identity/`.
public struct UserID: Sendable, Equatable {
    /// The user of a data root that has just one.
    public static let ordinary = UserID(checked: "default")
    private static let longest = 128

    /// The name.
    public let name: String

    private init(checked name: String) {
        self.name = name
    }

    /// Takes a name.
    ///
    /// - Throws: `usage` for a name that is empty, begins with a dot, is longer than 128 bytes or holds a slash, a space
    ///   or a control character.
    public init(_ name: String) throws {
        let isPlain = name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "/") }
        guard isPlain, !name.isEmpty, name.utf8.count <= Self.longest, !name.hasPrefix(".") else {
            throw OsnovaError(
                .usage,
                "a user id has 1 to \(Self.longest) bytes, without '/', spaces and control characters, and does not "
                    + "begin with a dot")
        }
        self.name = name
    }
}
