internal import Foundation
internal import GRDB
internal import Primitives

/// A value exactly as it is stored, so that a statement can find its row again.
///
/// A text is kept as its bytes. GRDB's own is cut at a NUL, and repaired where it is no UTF-8: a page that began behind
/// such a text would begin at another row.
struct StoredValue {
    /// The value; the bytes of a text.
    let value: DatabaseValue
    /// Whether the bytes are a text's.
    let isText: Bool

    /// A column of a row that ``columns(for:number:)`` selected.
    init(_ row: Row, number: Int) {
        value = row["stored_\(number)"]
        isText = row.integer("stored_is_text_\(number)") == 1
    }

    /// A value as a cursor's text has it; nil for what is none.
    init?(_ part: Substring) {
        let rest = part.dropFirst()
        let value: DatabaseValue? =
            switch part.first {
            case "i": Int64(rest)?.databaseValue
            case "t", "b": Hexadecimal.bytes(rest.utf8).map { Data($0).databaseValue }
            case "d": UInt64(rest).map { Double(bitPattern: $0) }?.databaseValue
            case "n": .null
            default: nil
            }
        guard let value else { return nil }
        self.value = value
        isText = part.first == "t"
    }

    /// What a statement selects so that a column's value can be read whatever it is.
    static func columns(for column: String, number: Int) -> String {
        """
        CASE typeof(\(column)) WHEN 'text' THEN CAST(\(column) AS BLOB) ELSE \(column) END AS stored_\(number), \
        typeof(\(column)) = 'text' AS stored_is_text_\(number)
        """
    }

    /// What stands for the value in a statement.
    ///
    /// The plus takes the cast's affinity away: with one, SQLite would look for the first column of the order alone, and
    /// read all rows that tie there.
    var placeholder: String { isText ? "+CAST(? AS TEXT)" : "?" }

    /// The value as a cursor's text has it.
    var description: String {
        switch value.storage {
        case .int64(let number): "i\(number)"
        case .string(let text): "t\(Hexadecimal.string(text.utf8))"
        case .blob(let bytes): (isText ? "t" : "b") + Hexadecimal.string(bytes)
        case .double(let number): "d\(number.bitPattern)"
        case .null: "n"
        }
    }
}
