internal import Foundation
internal import GRDB

/// Columns as they are: another program may have put anything into any of them, and GRDB's own conversions trap.
extension Row {
    /// A column as a text; bytes are taken for UTF-8; nil for NULL.
    func text(_ column: String) -> String? {
        switch (self[column] as DatabaseValue).storage {
        case .null: nil
        case .string(let text): text
        case .blob(let bytes): String(decoding: bytes, as: UTF8.self)
        case .int64(let number): "\(number)"
        case .double(let number): "\(number)"
        }
    }

    /// A column as a whole number, bounded to 64 bits; nil for what is none.
    func integer(_ column: String) -> Int64? {
        switch (self[column] as DatabaseValue).storage {
        case .int64(let number): number
        case .double(let number):
            number.isNaN ? nil : Int64(exactly: number.rounded(.towardZero)) ?? (number < 0 ? .min : .max)
        case .string(let text): Int64(text)
        case .null, .blob: nil
        }
    }

    /// A column as a number; nil for what is none.
    func real(_ column: String) -> Double? {
        switch (self[column] as DatabaseValue).storage {
        case .int64(let number): Double(number)
        case .double(let number): number
        case .string(let text): Double(text)
        case .null, .blob: nil
        }
    }

    /// A column as bytes: a blob's, or a text's; nil for NULL.
    func bytes(_ column: String) -> Data? {
        if case .blob(let bytes) = (self[column] as DatabaseValue).storage { return bytes }
        return text(column).map { Data($0.utf8) }
    }
}
