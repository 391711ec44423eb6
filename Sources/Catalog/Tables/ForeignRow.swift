internal import Foundation
internal import GRDB

/// Values of rows that any program may have written.
///
/// SQLite keeps a value in the type in which it came, whatever the column is declared as, and GRDB's typed subscripts
/// trap where that is another: these take what is there.
extension Row {
    /// A text: bytes as UTF-8, a number in digits; nil for NULL.
    func text(_ column: String) -> String? {
        switch self[column]?.databaseValue.storage {
        case .string(let text): text
        case .blob(let bytes): String(decoding: bytes, as: UTF8.self)
        case .int64(let number): "\(number)"
        case .double(let number): "\(number)"
        case .null, nil: nil
        }
    }

    /// An integer; nil for NULL and for what is no integer.
    func integer(_ column: String) -> Int64? {
        switch self[column]?.databaseValue.storage {
        case .int64(let number): number
        case .double(let number): Int64(exactly: number)
        case .string(let text): Int64(text)
        case .blob, .null, nil: nil
        }
    }

    /// The bytes of a text or a blob; nil for NULL.
    func bytes(_ column: String) -> Data? {
        if case .blob(let bytes) = self[column]?.databaseValue.storage { return bytes }
        return text(column).map { Data($0.utf8) }
    }
}
