internal import Glibc
internal import Primitives

/// Which of several mounts of a store verifies its blobs: the one that has an exclusive `flock` of `logs/`.
enum UpkeepLock {
    /// The lock, as long as it lives; nil where another mount has it.
    static func take(_ root: DataRoot) throws -> OwnedDescriptor? {
        do {
            let directory = try SystemCalls.open("\(root.path)/logs", O_RDONLY | O_DIRECTORY)
            return try SystemCalls.tryLock(directory) ? directory : nil
        } catch {
            throw error.failure("locking \(root.path)/logs")
        }
    }
}
