package import Foundation

/// The data under `Tests/Fixtures`.
package enum Fixtures {
    /// Where a fixture lies.
    package static func url(_ path: String) -> URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures").appending(path: path)
    }

    /// Reads a JSON fixture whose keys are in snake case.
    package static func read<Content: Decodable>(_ path: String, as type: Content.Type) throws -> Content {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(type, from: Data(contentsOf: url(path)))
    }
}
