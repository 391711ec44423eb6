internal import Glibc
internal import Primitives
internal import SystemPackage

/// The `flock(2)` of a data root: mounts, backups and whoever writes share it, a restoration must have it alone.
enum RootLock {
    /// Seconds to wait for whoever holds the lock.
    private static let patience = 3.0

    /// What a mount holds as long as it serves, and others while they write.
    ///
    /// - Throws: `busy` while the data root is being restored.
    static func shared(_ root: DataRoot) throws -> OwnedDescriptor {
        let refusal = OsnovaError(.busy, "\(root.path) is being restored: try again when that has ended")
        return try lock(root, SystemCalls.tryLockShared, orThrow: refusal)
    }

    /// Whether a mount serves the data root just now, or it is being written to or backed up.
    static func isMounted(_ root: DataRoot) -> Bool {
        guard let directory = try? SystemCalls.open(root.path, O_RDONLY | O_DIRECTORY) else { return false }
        return withExtendedLifetime(directory) { (try? SystemCalls.tryLock(directory)) != true }
    }

    static func exclusive(_ root: DataRoot) throws -> OwnedDescriptor {
        let refusal = OsnovaError(
            .busy,
            "\(root.path) is mounted, written to or backed up: unmount it or wait for the end of that, or --force")
        return try lock(root, SystemCalls.tryLock, orThrow: refusal)
    }

    /// Whether an open directory is still the one that has the data root's path.
    static func isInPlace(_ directory: OwnedDescriptor, _ root: DataRoot) throws -> Bool {
        do {
            let now = try SystemCalls.status(of: SystemCalls.open(root.path, O_RDONLY | O_DIRECTORY))
            let held = try SystemCalls.status(of: directory)
            return held.device == now.device && held.inode == now.inode
        } catch {
            throw error.failure("looking at \(root.path)")
        }
    }

    /// - Parameter attempt: takes the lock of what lies there, and says whether it got it.
    static func lock(
        _ root: DataRoot, _ attempt: (OwnedDescriptor) throws -> Bool, orThrow refusal: OsnovaError
    ) throws -> OwnedDescriptor {
        while true {
            do {
                let directory = try SystemCalls.open(root.path, O_RDONLY | O_DIRECTORY)
                // A driver that was unmounted just now takes a moment to end.
                guard try Patience.tries(forAtMost: patience, { try attempt(directory) }) else { throw refusal }
                // A restoration that ended just now has put another directory in this one's place.
                if try isInPlace(directory, root) { return directory }
            } catch let error as Errno {
                throw error.failure("locking \(root.path)")
            }
        }
    }
}

extension Store {
    /// Keeps restorations from replacing the data root as long as the result lives.
    ///
    /// - Throws: `busy` while one is under way, or where one has replaced what was opened.
    func lockAgainstRestoration() throws -> OwnedDescriptor {
        let lock = try RootLock.shared(root)
        try requireInPlace()
        return lock
    }

    /// Makes sure that what was opened is what has the data root's path.
    ///
    /// - Throws: `busy` where a restoration has replaced it.
    func requireInPlace() throws {
        guard try RootLock.isInPlace(directory, root) else {
            throw OsnovaError(.busy, "\(root.path) was restored meanwhile: nothing was written; try again")
        }
    }
}
