internal import Glibc
public import SystemPackage

/// Files that have no name until they are complete.
extension SystemCalls {
    /// `open(2)` with `O_TMPFILE`: a new file of a directory's disk, for this process's user alone, gone with its descriptor
    /// unless ``link(_:at:as:)`` gives it a name.
    ///
    /// - Returns: nil where the disk has no such files, or `/proc`, by way of which they get a name, is missing.
    public static func openUnnamed(in directory: OwnedDescriptor) throws(Errno) -> OwnedDescriptor? {
        guard hasDescriptorLinks else { return nil }
        CrashPoint.pass()
        do {
            return try open(at: directory, ".", O_RDWR | unnamed, mode: 0o600)
        } catch {
            switch error {
            // The last two are what kernels and disks say that do not know the flag.
            case .notSupported, .isDirectory, .noSuchFileOrDirectory: return nil
            default: throw error
            }
        }
    }

    /// `O_TMPFILE`, which glibc shows under _GNU_SOURCE only.
    private static let unnamed = 0o20_000_000 | O_DIRECTORY
    private static let hasDescriptorLinks = access("/proc/self/fd", X_OK) == 0
}
