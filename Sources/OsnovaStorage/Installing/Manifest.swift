internal import Foundation
internal import Primitives

/// A manifest: a JSON object whose known fields are checked and whose bytes are kept as they are.
struct Manifest {
    /// The bytes as given, which are UTF-8.
    let text: String
    private let fields: [String: Any]
    private let source: String

    /// Parses a manifest.
    ///
    /// - Parameter source: what messages call it.
    /// - Throws: `damaged` for what is no JSON object in UTF-8.
    init(_ bytes: [UInt8], source: String) throws {
        self.source = source
        // A NUL is the sign of UTF-16, which a JSON parser reads too.
        guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
            throw OsnovaError.damaged("\(source) is not UTF-8 text: a manifest is a JSON object")
        }
        // Foundation reads over it; SQLite, which looks into the rows, does not.
        guard !bytes.starts(with: [0xEF, 0xBB, 0xBF]) else {
            throw OsnovaError.damaged("\(source) begins with a byte order mark: save it as UTF-8 without one")
        }
        self.text = text
        do {
            guard let object = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any] else {
                throw OsnovaError.damaged("\(source) is JSON, but not an object: a manifest looks like {\"id\": …}")
            }
            fields = object
        } catch let error as OsnovaError {
            throw error
        } catch {
            throw OsnovaError.damaged("\(source) is not JSON: a manifest is a JSON object")
        }
    }

    /// A text that must be there.
    func required(_ name: String) throws -> String {
        guard let value = try optional(name) else { throw OsnovaError.damaged("\(source) lacks the field \"\(name)\"") }
        guard !value.isEmpty else { throw OsnovaError.damaged("\(source) has an empty field \"\(name)\"") }
        return value
    }

    /// A text that may be there; null is as good as absent.
    func optional(_ name: String) throws -> String? {
        guard let value = fields[name], !(value is NSNull) else { return nil }
        guard let text = value as? String else {
            throw OsnovaError.damaged("\(source): the field \"\(name)\" must be a text")
        }
        guard !text.utf8.contains(0) else {
            throw OsnovaError.damaged("\(source): the field \"\(name)\" holds a NUL character")
        }
        return text
    }

    /// A text that may be there, but not without a character.
    func optionalFilled(_ name: String) throws -> String? {
        try optional(name) == nil ? nil : required(name)
    }

    /// The first of several texts that is there; if more than one is, they must agree.
    func required(_ name: String, or other: String) throws -> String {
        guard let second = try optional(other) else { return try required(name) }
        guard let first = try optional(name) else { return second }
        guard first == second else {
            throw OsnovaError.damaged("\(source): \"\(name)\" is \"\(first)\" but \"\(other)\" is \"\(second)\"")
        }
        return first
    }

    /// The ids of the components that an application's manifest lists.
    func checkComponents() throws {
        guard let value = fields["components"], !(value is NSNull) else { return }
        guard let list = value as? [[String: Any]] else {
            throw OsnovaError.damaged("\(source): \"components\" must be a list of objects")
        }
        for (index, item) in list.enumerated() {
            guard let id = item["id"] as? String, !id.isEmpty else {
                throw OsnovaError.damaged("\(source): component \(index + 1) of \"components\" lacks its \"id\"")
            }
        }
    }

    /// An error about a field.
    func refusal(_ reason: String) -> OsnovaError {
        OsnovaError.damaged("\(source): \(reason)")
    }
}
