/// Whether a text is a version as semver.org 2.0.0 defines it.
enum SemanticVersion {
    static func isValid(_ text: String) -> Bool {
        let build = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
        let release = build[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let core = release[0].split(separator: ".", omittingEmptySubsequences: false)
        return core.count == 3 && core.allSatisfy(isNumber)
            && release.dropFirst().allSatisfy { identifiers($0).allSatisfy { isIdentifier($0) && isSound($0) } }
            && build.dropFirst().allSatisfy { identifiers($0).allSatisfy(isIdentifier) }
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

    /// A numeric identifier of a pre-release has no leading zero.
    private static func isSound(_ text: Substring) -> Bool {
        !isDigits(text) || isNumber(text)
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
