internal import Foundation

/// A column's value in the documents that are made from rows.
enum JSONValue: Encodable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .integer(let value): try container.encode(value)
        // JSON has no infinity.
        case .real(let value): value.isFinite ? try container.encode(value) : try container.encode("\(value)")
        case .text(let value): try container.encode(value)
        }
    }

    /// One object, keys sorted so that the same row makes the same bytes, ending in a line feed.
    static func document(_ values: [(name: String, value: JSONValue)]) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let members = Dictionary(values.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        return try Array(encoder.encode(members)) + [UInt8(ascii: "\n")]
    }
}
