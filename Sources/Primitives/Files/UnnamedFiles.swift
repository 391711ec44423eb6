internal import CLinux
internal import Glibc
public import SystemPackage

/// Files that have no name until they are complete.
extension SystemCalls {
    /// Whether files without a name can be made in a directory and get one that is as durable as a renamed file's.
    ///
    /// On ext4, XFS and tmpfs. Not on btrfs, where older kernels take `fsync` of such a file for nothing to do; not on disks
    /// that nobody tried; not without `/proc`, by way of which a file gets its name.
    public static func hasUnnamedFiles(in directory: OwnedDescriptor) -> Bool {
        let type = withExtendedLifetime(directory) { osnova_disk_type(directory.number) }
        return access("/proc/self/fd", X_OK) == 0 && [0xEF53, 0x5846_5342, 0x0102_1994].contains(type)
    }

    /// `open(2)` with `O_TMPFILE`: a new file of a directory's disk, for this process's user alone, gone with its descriptor
    /// unless ``link(_:at:as:)`` gives it a name.
    public static func openUnnamed(in directory: OwnedDescriptor) throws(Errno) -> OwnedDescriptor {
        CrashPoint.pass()
        return try open(at: directory, ".", O_RDWR | unnamed, mode: 0o600)
    }

    /// `O_TMPFILE`, which glibc shows under _GNU_SOURCE only.
    private static let unnamed = 0o20_000_000 | O_DIRECTORY
}
