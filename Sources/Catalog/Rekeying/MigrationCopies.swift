internal import Foundation
internal import GRDB

extension Catalog {
    /// Removes copies that migrations kept of the database while a rekey was under way: they hold its keys.
    ///
    /// - Returns: the copies that are gone.
    public func removeCopiesWithRekey() throws -> [String] {
        let folder = (path as NSString).deletingLastPathComponent
        let prefix = (path as NSString).lastPathComponent + ".before-v"
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix(prefix) }
        return try names.map { "\(folder)/\($0)" }.filter { copy in
            guard Self.hasRekey(copy) else { return false }
            try FileManager.default.removeItem(atPath: copy)
            return true
        }
    }

    /// A copy from before this schema has no such table.
    private static func hasRekey(_ copy: String) -> Bool {
        var configuration = Configuration()
        configuration.readonly = true
        let queue = try? DatabaseQueue(path: copy, configuration: configuration)
        let count = try? queue?.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM rekey") }
        return count ?? 0 > 0
    }
}
