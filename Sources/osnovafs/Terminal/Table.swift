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
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.isControl ? "\u{FFFD}" : $0 }))
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
