/// How sealed files come into a directory.
public enum BackupSharing: Sendable {
    /// By reflink where the disk can, else by copying: two files, of which one may be damaged and the other not.
    case reflink
    /// By hard link where both lie on one disk, else as `reflink`.
    ///
    /// Sealed files are never written in place, so a link stays what it is when the store removes or replaces its file. But
    /// there is one file: a byte that the disk loses is lost in both.
    case hardLink
}
