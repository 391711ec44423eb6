internal import Foundation
internal import Glibc
internal import Primitives
internal import SystemPackage

/// A directory of this process, its owner's alone; gone when this is.
///
/// A lock tells the living from those that a killed run left.
final class LockedFolder: Sendable {
    let path: String
    private let lock: OwnedDescriptor

    /// Cleaners that are faster than this process; more are no accident.
    private static let mostTries = 100

    /// Makes an empty one in another directory.
    ///
    /// - Parameter prefix: begins the names of all folders of one kind.
    init(in parent: String, prefix: String) throws {
        Self.removeStale(in: parent, prefix: prefix)
        do {
            (path, lock) = try Self.make(in: parent, prefix: prefix)
        } catch {
            throw error.failure("making a folder in \(parent)", kind: .cannotCreate)
        }
        UnfinishedWork.enter(path)
    }

    private static func make(in parent: String, prefix: String) throws(Errno) -> (path: String, lock: OwnedDescriptor) {
        let directory = try SystemCalls.open(parent, O_RDONLY | O_DIRECTORY)
        for _ in 0..<mostTries {
            let name = prefix + UUID().uuidString.lowercased()
            let path = "\(parent)/\(name)"
            try SystemCalls.makeDirectory(at: directory, name)
            do {
                if let lock = try lock(name, in: directory) { return (path, lock) }
            } catch {
                rmdir(path)
                throw error
            }
        }
        throw .resourceBusy
    }

    /// Nil where another program took the folder for a stale one before it was locked, and removes it.
    private static func lock(_ name: String, in directory: OwnedDescriptor) throws(Errno) -> OwnedDescriptor? {
        do {
            let folder = try SystemCalls.open(at: directory, name, O_RDONLY | O_DIRECTORY)
            guard try SystemCalls.tryLock(folder), try SystemCalls.status(of: folder).links > 0 else { return nil }
            return folder
        } catch .noSuchFileOrDirectory {
            return nil
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
                if (try? SystemCalls.tryLock(folder)) == true { try? FileManager.default.removeItem(atPath: path) }
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
