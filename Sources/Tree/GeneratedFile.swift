/// The files that the driver makes up, and their directory; the raw values are parts of inode numbers and never change.
///
/// A file is made anew when it is looked up and its sources changed. Each making is a state with an inode of its own for
/// the kernel (``Inode/generated(_:)`` from ``firstState`` on), so that who holds one keeps its bytes, while programs see
/// one number for all of them.
public enum GeneratedFile: Int64, Sendable, CaseIterable {
    /// `/osnova.db`: one consistent state of the database.
    case database = 1
    /// `/SHA256SUMS`: the digest of every file of the catalog.
    case checksums = 2
    /// `/blobs/SHA256SUMS`.
    case blobChecksums = 3
    /// `/.osnovafs`.
    case directory = 4
    /// `/.osnovafs/stats.json`.
    case statistics = 5
    /// `/.osnovafs/metrics`.
    case metrics = 6
    /// `/.changed`: empty, and newer than everything that the catalog and this driver show.
    ///
    /// Its time is the store's last change. Backup programs that read the newest file of a disk again, since it may
    /// have changed within the resolution of its time (Borg does), read this one.
    case stamp = 7

    /// States have inodes from here on.
    public static let firstState: Int64 = 64

    /// The name in its directory.
    public var fileName: String {
        switch self {
        case .database: "osnova.db"
        case .checksums, .blobChecksums: "SHA256SUMS"
        case .directory: ".osnovafs"
        case .statistics: "stats.json"
        case .metrics: "metrics"
        case .stamp: ".changed"
        }
    }

    /// The number that programs see.
    public var inode: Inode { .generated(rawValue) }
}
