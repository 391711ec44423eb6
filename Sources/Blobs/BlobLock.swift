internal import Primitives
internal import SystemPackage

/// A `flock(2)` of `blobs/`, held as long as this object lives.
///
/// Who relies on a sealed file that is there already, and has no row of its own yet that refers to it, holds a shared
/// one; who removes files that nothing refers to holds the exclusive one. Readers need none: an open file stays.
public final class BlobLock: Sendable {
    private let directory: OwnedDescriptor

    init(_ directory: OwnedDescriptor) {
        self.directory = directory
    }
}

extension BlobDirectory {
    /// Makes every sealed file stay until the lock is let go of; waits while files are being removed.
    public func lockAgainstRemoval() throws -> BlobLock {
        let copy = try reopen()
        do {
            try SystemCalls.lockShared(copy)
        } catch {
            throw error.failure("locking \(path)", kind: .inputOutput)
        }
        return BlobLock(copy)
    }

    /// The right to remove files that nothing refers to.
    ///
    /// - Parameter seconds: how long to wait for those who hold a lock against it.
    /// - Throws: `busy` where they do not let go of it in time.
    public func lockForRemoval(waitingAtMost seconds: Int64) throws -> BlobLock {
        let copy = try reopen()
        do {
            guard try Patience.tries(forAtMost: Double(seconds), { try SystemCalls.tryLock(copy) }) else {
                throw OsnovaError(.busy, "something is being put into or copied from \(path): try again")
            }
        } catch let error as Errno {
            throw error.failure("locking \(path)", kind: .inputOutput)
        }
        return BlobLock(copy)
    }
}
