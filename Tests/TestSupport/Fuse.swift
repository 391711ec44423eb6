internal import Foundation

/// Whether mounts can be tested; with `OSNOVAFS_REQUIRE_FUSE=1` they are, and fail where they cannot work.
package enum Fuse {
    /// Whether a mount can be made here, or must be.
    package static let isTested =
        ProcessInfo.processInfo.environment["OSNOVAFS_REQUIRE_FUSE"] == "1"
        || FileManager.default.isReadableFile(atPath: "/dev/fuse")
}
