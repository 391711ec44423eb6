internal import Foundation

/// Columns for eyes: as wide as they need to be, the last one as it comes.
enum Table {
    static func print(_ header: [String], _ rows: [[String]]) {
        let all = [header] + rows.map { $0.map(printable) }
        let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        for row in all {
            let cells = zip(row, widths).enumerated().map { index, cell in
                index == header.count - 1 ? cell.0 : cell.0.padding(toLength: cell.1, withPad: " ", startingAt: 0)
            }
            Terminal.say(cells.joined(separator: "  "))
        }
    }

    /// Text of other people's rows must not steer a terminal.
    static func printable(_ text: String) -> String {
        replaceControls(of: text) { _ in false }
    }

    /// The same for text of several lines, whose indentation is kept.
    static func printableLines(_ text: String) -> String {
        replaceControls(of: text.replacing("\r\n", with: "\n")) { $0 == "\n" || $0 == "\t" }
    }

    private static func replaceControls(of text: String, except isHarmless: (Unicode.Scalar) -> Bool) -> String {
        let scalars = text.unicodeScalars.map { $0.properties.isControl && !isHarmless($0) ? "\u{FFFD}" : $0 }
        return String(String.UnicodeScalarView(scalars))
    }

    /// A Unix time for people, in UTC.
    static func time(_ seconds: Int64) -> String {
        // Another program may have written any number; a calendar does not know them all.
        guard (0...253_402_300_799).contains(seconds) else { return "\(seconds)" }
        return Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601)
    }
}

extension Unicode.Scalar.Properties {
    fileprivate var isControl: Bool { generalCategory == .control }
}
