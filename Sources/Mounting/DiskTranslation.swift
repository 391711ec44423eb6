internal import CFuse
internal import Glibc
internal import Tree

/// Makes `struct statvfs` of a disk's figures.
enum DiskTranslation {
    static func statistics(_ usage: DiskUsage) -> statvfs {
        var statistics = statvfs()
        // Both sizes are the same: programs differ in which of them they multiply with the blocks.
        statistics.f_bsize = UInt(usage.blockSize)
        statistics.f_frsize = UInt(usage.blockSize)
        statistics.f_blocks = fsblkcnt_t(usage.blocks)
        statistics.f_bfree = fsblkcnt_t(usage.freeBlocks)
        statistics.f_bavail = fsblkcnt_t(usage.availableBlocks)
        statistics.f_files = fsfilcnt_t(usage.files)
        statistics.f_ffree = fsfilcnt_t(usage.freeFiles)
        statistics.f_favail = fsfilcnt_t(usage.freeFiles)
        statistics.f_namemax = UInt(FileName.longest)
        return statistics
    }
}
