internal import Foundation
internal import Glibc
internal import Primitives
internal import SystemPackage

/// A directory in the data root for what is on its way to a backup elsewhere; gone when this is.
///
/// It has the layout of a backup. Its sealed files are hard links, so it costs no room, and what was looked at is what is
/// sent, whatever the store removes meanwhile. A lock tells the living from those that a killed run left.
final class BackupStaging {
    private static let prefix = ".backing-up-"

    /// Where the backup is to be made; not there yet.
    let path: String
    private let folder: String
    private let lock: OwnedDescriptor

    /// Makes an empty one.
    init(in root: DataRoot) throws {
        Self.removeStale(in: root)
        do {
            let parent = try SystemCalls.open(root.path, O_RDONLY | O_DIRECTORY)
            while true {
                let name = Self.prefix + UUID().uuidString.lowercased()
                try SystemCalls.makeDirectory(at: parent, name)
                // Another program may have taken it for a stale one before it was locked: then start again.
                guard let lock = try? SystemCalls.open(at: parent, name, O_RDONLY | O_DIRECTORY),
                    SystemCalls.tryLock(lock), try SystemCalls.status(of: lock).links > 0
                else { continue }
                self.lock = lock
                folder = "\(root.path)/\(name)"
                // A backup has a lock of its own.
                path = "\(folder)/backup"
                UnfinishedFolders.enter(folder)
                return
            }
        } catch {
            throw error.failure("making a folder in \(root.path)", kind: .cannotCreate)
        }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: folder)
        UnfinishedFolders.leave(folder)
    }

    /// Removes what killed runs left.
    static func removeStale(in root: DataRoot) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
        for name in names where name.hasPrefix(prefix) {
            let path = "\(root.path)/\(name)"
            guard let folder = try? SystemCalls.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else { continue }
            withExtendedLifetime(folder) {
                if SystemCalls.tryLock(folder) { try? FileManager.default.removeItem(atPath: path) }
            }
        }
    }
}
