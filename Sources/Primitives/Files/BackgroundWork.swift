internal import CLinux
internal import Glibc

/// What a thread does that must not be in anybody's way.
extension SystemCalls {
    /// Lets the calling thread have the processor and the disk when nobody else wants them.
    ///
    /// Nothing is promised, so nothing can fail.
    public static func yieldToOthers() {
        _ = osnova_yield_to_others()
    }

    /// Has the kernel drop what it keeps in memory of a file.
    ///
    /// The next read of it is one of the disk, and what was read does not push out what others need. Nothing is promised, so
    /// nothing can fail.
    public static func dropCachedPages(of file: OwnedDescriptor) {
        _ = posix_fadvise(file.number, 0, 0, POSIX_FADV_DONTNEED)
    }
}
