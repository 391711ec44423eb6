internal import Foundation
internal import Primitives

/// The name of a generation: when it was begun, in UTC, so that people find their way.
///
/// `20261125T005143Z`; the second one of that second has `-2` behind it.
struct GenerationName: Comparable, CustomStringConvertible {
    /// Unix seconds.
    let seconds: Int64
    private let number: Int
    let description: String

    /// Reads a name; nil for what no generation is called, so that nothing else is taken for a part of one.
    init?(_ text: String) {
        description = text
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard let first = parts.first, parts.count <= 2, first.utf8.count == 16, first.hasSuffix("Z"),
            let date = try? Date(String(first), strategy: Self.format), date.formatted(Self.format) == first
        else { return nil }
        seconds = Int64(date.timeIntervalSince1970)
        guard parts.count == 2 else {
            number = 1
            return
        }
        guard let number = Int(parts[1]), number > 1, "\(number)" == parts[1] else { return nil }
        self.number = number
    }

    static func < (one: Self, other: Self) -> Bool {
        (one.seconds, one.number) < (other.seconds, other.number)
    }

    /// Whether one generation was begun after another, as their names say.
    static func isNewer(_ name: String, than other: String) -> Bool {
        guard let name = Self(name), let other = Self(other) else { return false }
        return name > other
    }

    /// A name for now that no generation has.
    static func next(after earlier: [String]) -> String {
        let name = Date(timeIntervalSince1970: TimeInterval(Clock.seconds)).formatted(format)
        guard earlier.contains(name) else { return name }
        return (2...).lazy.map { "\(name)-\($0)" }.first { !earlier.contains($0) } ?? name
    }

    private static let format = Date.ISO8601FormatStyle(dateSeparator: .omitted, timeSeparator: .omitted)
}
