internal import Glibc
internal import Primitives
internal import SystemPackage

/// The `flock(2)` of `identity/` that whoever changes a store's key holds, and a share of the data root's.
final class RekeyLock {
    /// Microseconds in which a mount has learnt of a rekey that has begun.
    private static let mountPatience: UInt32 = 1_000_000

    private let identity: OwnedDescriptor
    /// No restoration replaces the data root meanwhile.
    private let root: OwnedDescriptor
    private let dataRoot: DataRoot

    /// - Throws: `busy` while another program holds it.
    init(_ root: DataRoot) throws {
        do {
            identity = try SystemCalls.open("\(root.path)/identity", O_RDONLY | O_DIRECTORY)
            guard try SystemCalls.tryLock(identity) else {
                throw OsnovaError(.busy, "another program does a rekey of \(root.path): wait for its end")
            }
        } catch let error as Errno {
            throw error.failure("locking \(root.path)/identity")
        }
        dataRoot = root
        self.root = try RootLock.shared(root)
    }

    /// Gives mounts the time to learn the new key before the end of a rekey can take it from the database.
    ///
    /// Called when the database has it: a mount that comes later finds it there.
    func awaitMounts() throws {
        let isAlone: Bool
        do {
            // Nobody else's share stands in the way of an exclusive lock; an attempt gives the share up.
            isAlone = try SystemCalls.tryLock(root)
            try SystemCalls.lockShared(root)
        } catch {
            throw error.failure("locking the data root", kind: .inputOutput)
        }
        guard try RootLock.isInPlace(root, dataRoot) else {
            throw OsnovaError(.busy, "\(dataRoot.path) was restored meanwhile: nothing was rekeyed; try again")
        }
        if !isAlone { usleep(Self.mountPatience) }
    }
}
