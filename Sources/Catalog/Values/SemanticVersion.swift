/// A version as semver.org 2.0.0 defines it, compared by its precedence: 1.10.0 follows 1.9.0, 1.0.0 follows 1.0.0-rc.1.
///
/// Build metadata is kept in the text and ignored in comparisons. Numbers may have any number of digits.
public struct SemanticVersion: Sendable {
    /// The version as it was written.
    public let text: String
    private let core: [Substring]
    private let prerelease: [Substring]

    /// Parses a version; nil for what is none, such as `1.2` or `v1.2.3`.
    public init?(_ text: String) {
        let build = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
        let release = build[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let core = release[0].split(separator: ".", omittingEmptySubsequences: false)
        let prerelease = release.dropFirst().flatMap(Self.identifiers)
        let isSound =
            core.count == 3 && core.allSatisfy(Self.isNumber)
            && prerelease.allSatisfy { Self.isIdentifier($0) && (!Self.isDigits($0) || Self.isNumber($0)) }
            && build.dropFirst().flatMap(Self.identifiers).allSatisfy(Self.isIdentifier)
        guard isSound else { return nil }
        self.text = text
        self.core = core
        self.prerelease = prerelease
    }

    private static func identifiers(_ text: Substring) -> [Substring] {
        text.split(separator: ".", omittingEmptySubsequences: false)
    }

    private static func isDigits(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    }

    private static func isNumber(_ text: Substring) -> Bool {
        isDigits(text) && (text == "0" || !text.hasPrefix("0"))
    }

    private static func isIdentifier(_ text: Substring) -> Bool {
        !text.isEmpty
            && text.unicodeScalars.allSatisfy { scalar in
                switch scalar {
                case "0"..."9", "a"..."z", "A"..."Z", "-": true
                default: false
                }
            }
    }
}

extension SemanticVersion: Comparable {
    /// Whether neither precedes the other; build metadata does not count.
    public static func == (left: SemanticVersion, right: SemanticVersion) -> Bool {
        left.core == right.core && left.prerelease == right.prerelease
    }

    /// Whether the first has the lower precedence.
    public static func < (left: SemanticVersion, right: SemanticVersion) -> Bool {
        for (first, second) in zip(left.core, right.core) where first != second {
            return numberPrecedes(first, second)
        }
        // A pre-release comes before its release.
        if left.prerelease.isEmpty || right.prerelease.isEmpty {
            return !left.prerelease.isEmpty && right.prerelease.isEmpty
        }
        for (first, second) in zip(left.prerelease, right.prerelease) where first != second {
            return identifierPrecedes(first, second)
        }
        return left.prerelease.count < right.prerelease.count
    }

    private static func numberPrecedes(_ left: Substring, _ right: Substring) -> Bool {
        let (first, second) = (left.utf8.count, right.utf8.count)
        return first == second ? left.utf8.lexicographicallyPrecedes(right.utf8) : first < second
    }

    private static func identifierPrecedes(_ left: Substring, _ right: Substring) -> Bool {
        switch (isDigits(left), isDigits(right)) {
        case (true, true): numberPrecedes(left, right)
        case (true, false): true
        case (false, true): false
        case (false, false): left.utf8.lexicographicallyPrecedes(right.utf8)
        }
    }
}

extension SemanticVersion {
    /// How two versions of rows compare, which may be no versions at all: those come first, by their bytes.
    static func order(_ left: String, _ right: String) -> (isLess: Bool, isEqual: Bool) {
        switch (SemanticVersion(left), SemanticVersion(right)) {
        case (let first?, let second?): (first < second, first == second)
        case (nil, .some): (true, false)
        case (.some, nil): (false, false)
        case (nil, nil): (left.utf8.lexicographicallyPrecedes(right.utf8), left == right)
        }
    }
}
