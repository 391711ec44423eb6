internal import Primitives

/// A directory on another machine, reached by SSH.
public struct RemotePlace: Sendable, Equatable, CustomStringConvertible {
    /// `host` or `user@host`.
    let host: String
    /// Nil for what SSH is configured to use.
    let port: UInt16?
    /// Relative to the user's home unless it begins with a slash.
    let path: String

    /// What a person calls it.
    public let description: String

    /// Reads `[user@]host:path` or `ssh://[user@]host[:port]/path`, where `/~/` leads to the user's home.
    ///
    /// - Returns: nil for the name of a directory here: a slash comes before any colon (`./a:b`).
    /// - Throws: `usage` for what looks like a place and is none.
    public init?(_ text: String) throws {
        description = text
        if text.hasPrefix("ssh://") {
            (host, port, path) = try Self.parts(ofURL: text)
        } else {
            guard let colon = Self.colon(in: text) else { return nil }
            host = String(text[..<colon])
            port = nil
            path = try Self.belowHome(text[text.index(after: colon)...], of: text)
        }
        guard !host.isEmpty, !host.hasPrefix("-"), !path.isEmpty, !path.hasPrefix(":"), !path.contains("\0"),
            !path.contains("\n")
        else { throw Self.refusal(text) }
    }

    /// A path without the `~` of one's own home, where relative paths begin anyway: no shell is there to read it.
    private static func belowHome(_ path: Substring, of text: String) throws -> String {
        guard path.first == "~" else { return String(path) }
        guard path == "~" || path.hasPrefix("~/") else {
            throw OsnovaError(.usage, "\(text): of homes only one's own has a name, ~/; write the whole path")
        }
        let rest = path.drop { $0 == "~" || $0 == "/" }
        return rest.isEmpty ? "." : String(rest)
    }

    /// The colon that ends a host; one in the brackets of an IPv6 address does not.
    private static func colon(in text: String) -> String.Index? {
        let start = text.firstIndex(of: "[").flatMap { open in
            text[..<open].contains(where: { $0 == "/" || $0 == ":" }) ? nil : text[open...].firstIndex(of: "]")
        }
        guard let end = text[(start ?? text.startIndex)...].firstIndex(where: { $0 == "/" || $0 == ":" }) else {
            return nil
        }
        return text[end] == ":" ? end : nil
    }

    private static func parts(ofURL text: String) throws -> (String, UInt16?, String) {
        let rest = text.dropFirst("ssh://".count)
        guard let slash = rest.firstIndex(of: "/") else { throw refusal(text) }
        let home = "/~/"
        let whole = String(rest[slash...])
        let path = whole.hasPrefix(home) ? String(whole.dropFirst(home.count)) : whole
        let authority = rest[..<slash]
        guard let colon = authority.lastIndex(of: ":"), authority[colon...].firstIndex(of: "]") == nil else {
            return (String(authority), nil, path)
        }
        guard let port = UInt16(authority[authority.index(after: colon)...]), port > 0 else { throw refusal(text) }
        return (String(authority[..<colon]), port, path)
    }

    private static func refusal(_ text: String) -> OsnovaError {
        OsnovaError(
            .usage, "\(text) is no place: write host:path, ssh://host:port/path, or ./\(text) for a directory here")
    }
}
