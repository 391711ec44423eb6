internal import Foundation
internal import Glibc
internal import Primitives
internal import SystemPackage

/// A directory of this process, its owner's alone; gone when this is.
///
/// A lock tells the living from those that a killed run left.
final class LockedFolder {
    let path: String
    private let lock: OwnedDescriptor

    /// Makes an empty one in another directory.
    ///
    /// - Parameter prefix: begins the names of all folders of one kind.
    init(in parent: String, prefix: String) throws {
        Self.removeStale(in: parent, prefix: prefix)
        do {
            let directory = try SystemCalls.open(parent, O_RDONLY | O_DIRECTORY)
            while true {
                let name = prefix + UUID().uuidString.lowercased()
                try SystemCalls.makeDirectory(at: directory, name)
                // Another program may have taken it for a stale one before it was locked: then start again.
                guard let lock = try? SystemCalls.open(at: directory, name, O_RDONLY | O_DIRECTORY),
                    SystemCalls.tryLock(lock), try SystemCalls.status(of: lock).links > 0
                else { continue }
                self.lock = lock
                path = "\(parent)/\(name)"
                UnfinishedWork.enter(path)
                return
            }
        } catch {
            throw error.failure("making a folder in \(parent)", kind: .cannotCreate)
        }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
        UnfinishedWork.leave(path)
    }

    /// Removes what killed runs of this user left.
    static func removeStale(in parent: String, prefix: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
        for name in names where name.hasPrefix(prefix) {
            let path = "\(parent)/\(name)"
            // What another user made in a common directory may change under one who follows it.
            guard let folder = try? SystemCalls.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
                (try? SystemCalls.status(of: folder).owner) == geteuid()
            else { continue }
            withExtendedLifetime(folder) {
                if SystemCalls.tryLock(folder) { try? FileManager.default.removeItem(atPath: path) }
            }
        }
    }
}

extension LockedFolder {
    /// A folder in `$TMPDIR`.
    static func scratch() throws -> LockedFolder {
        try LockedFolder(in: FileManager.default.temporaryDirectory.path, prefix: "osnovafs-scratch-")
    }
}
