internal import Foundation
internal import GRDB
internal import Primitives

/// Copies that migrations kept of the database, as far as they hold keys of a rekey.
public struct MigrationCopies: Sendable {
    /// Those that held some, and are gone.
    public let removed: [String]
    /// Those that cannot be read, so that nobody can tell.
    public let unreadable: [String]
}

extension Catalog {
    /// What SQLite keeps beside a database while it works on it.
    private static let companions = ["-wal", "-shm", "-journal"]

    /// Removes copies that migrations kept of the database while a rekey was under way: they hold its keys.
    ///
    /// - Throws: `notFound` where the folder is gone, `inputOutput` where it cannot be listed or a copy not removed.
    public func removeCopiesWithRekey() throws -> MigrationCopies {
        let folder = (path as NSString).deletingLastPathComponent
        let prefix = (path as NSString).lastPathComponent + ".before-v"
        let copies = try Self.names(in: folder).filter { name in
            name.hasPrefix(prefix) && !Self.companions.contains { name.hasSuffix($0) }
        }
        var (removed, unreadable): ([String], [String]) = ([], [])
        for copy in copies.sorted().map({ "\(folder)/\($0)" }) {
            guard let hasRekey = try? Self.hasRekey(copy) else {
                unreadable.append(copy)
                continue
            }
            guard hasRekey else { continue }
            do { try FileManager.default.removeItem(atPath: copy) } catch {
                throw OsnovaError(.inputOutput, "\(copy) holds keys and cannot be removed: check its permissions")
            }
            for suffix in Self.companions { try? FileManager.default.removeItem(atPath: copy + suffix) }
            removed.append(copy)
        }
        return MigrationCopies(removed: removed, unreadable: unreadable)
    }

    private static func names(in folder: String) throws -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
            throw OsnovaError(.notFound, "\(folder) is gone: the data root was moved or removed")
        } catch {
            throw OsnovaError(.inputOutput, "\(folder) cannot be listed: check its permissions")
        }
    }

    /// A copy from before this schema has no such table.
    private static func hasRekey(_ copy: String) throws -> Bool {
        var configuration = Configuration()
        configuration.readonly = true
        return try DatabaseQueue(path: copy, configuration: configuration).read { database in
            guard try database.tableExists("rekey") else { return false }
            return try Int.fetchOne(database, sql: "SELECT count(*) FROM rekey") ?? 0 > 0
        }
    }
}
