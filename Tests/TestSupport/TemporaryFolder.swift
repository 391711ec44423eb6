package import Foundation

/// A folder that is gone when its last user is.
package final class TemporaryFolder: Sendable {
    /// Where it lies.
    package let url: URL

    /// Makes an empty folder.
    package init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("osnovafs-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// The path of something in it.
    package func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    /// Writes a file and returns its path.
    @discardableResult
    package func write(_ name: String, _ content: Data) throws -> String {
        try content.write(to: url.appendingPathComponent(name))
        return path(name)
    }

    /// The names of what is in it or in one of its folders, sorted.
    package func names(_ name: String = "") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: name.isEmpty ? url.path : path(name)).sorted()
    }
}
