internal import CLinux
internal import Glibc
public import SystemPackage

/// What a disk makes of files that have no name until they are complete (`O_TMPFILE`).
public enum UnnamedFiles: Sendable, CaseIterable {
    /// It has none, or nobody tried; or there is no `/proc`, by way of which a file gets its name.
    ///
    /// Not on btrfs, where older kernels take `fsync` of such a file for nothing to do.
    case unsupported
    /// A name is as durable as its directory: XFS, ext4 with a journal; tmpfs, where nothing is.
    case journaled
    /// After its file was made durable, the inode on the disk counts as removed until it is written again: a durable name
    /// of it leads nowhere. So on ext4 without a journal, and on ext2.
    case unjournaled
}

extension SystemCalls {
    /// What the disk of a directory makes of files without a name.
    public static func unnamedFiles(in directory: OwnedDescriptor) -> UnnamedFiles {
        guard access("/proc/self/fd", X_OK) == 0 else { return .unsupported }
        switch withExtendedLifetime(directory, { osnova_disk_type(directory.number) }) {
        case 0x5846_5342, 0x0102_1994: return .journaled
        case 0xEF53: return hasJournal(directory) ? .journaled : .unjournaled
        default: return .unsupported
        }
    }

    /// Whether the ext4 of a directory has a journal, whose thread has a number; false where nothing tells.
    private static func hasJournal(_ directory: OwnedDescriptor) -> Bool {
        guard let device = try? status(of: directory).device,
            let path = realpath("/sys/dev/block/\(numbers(ofDevice: device))", nil)
        else { return false }
        defer { free(path) }
        guard let name = FilePath(platformString: path).lastComponent,
            let file = try? open("/sys/fs/ext4/\(name)/journal_task", O_RDONLY)
        else { return false }
        var first: UInt8 = 0
        let count = withUnsafeMutableBytes(of: &first) { try? read(file, into: $0, at: 0) }
        return count == 1 && (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
    }

    /// `major:minor`, as makedev(3) of glibc packs them.
    private static func numbers(ofDevice device: UInt64) -> String {
        let major = device >> 8 & 0xFFF | device >> 32 & 0xFFFF_F000
        let minor = device & 0xFF | device >> 12 & 0xFFFF_FF00
        return "\(major):\(minor)"
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
