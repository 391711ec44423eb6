internal import CLinux
internal import Glibc
public import SystemPackage

/// Files that share what they hold instead of having a copy each.
extension SystemCalls {
    /// Gives an empty file the content of another one by reflink (`ioctl_ficlone(2)`): the disk holds the bytes once until
    /// one of the two is written to.
    ///
    /// - Returns: false where the disk cannot, or the files are on two disks.
    public static func clone(_ source: OwnedDescriptor, to target: OwnedDescriptor) throws(Errno) -> Bool {
        CrashPoint.pass()
        while osnova_clone(target.number, source.number) != 0 {
            switch errno {
            case EINTR: continue
            case EOPNOTSUPP, ENOTTY, ENOSYS, EXDEV, EINVAL, EPERM: return false
            default: throw Errno(rawValue: errno)
            }
        }
        return true
    }

    /// Gives an open file one more name, in any directory of its disk; a name that exists is an error (EEXIST).
    ///
    /// - Returns: false where the disk has no hard links, the directory is on another one, or the file has all it may have.
    public static func link(
        _ file: OwnedDescriptor, at directory: OwnedDescriptor, as name: String
    ) throws(Errno) -> Bool {
        CrashPoint.pass()
        // By the descriptor: what was looked at gets the name, whatever has its old name by now.
        while linkat(AT_FDCWD, "/proc/self/fd/\(file.number)", directory.number, name, AT_SYMLINK_FOLLOW) != 0 {
            switch errno {
            case EINTR: continue
            case EXDEV, EPERM, EMLINK, EOPNOTSUPP, ENOSYS, ENOENT: return false
            default: throw Errno(rawValue: errno)
            }
        }
        return true
    }
}
