internal import Foundation

/// Where things lie in a backup.
enum BackupLayout {
    /// The version of this layout; a backup of a newer one is refused.
    static let format = 1

    /// Sealed files under their names, shared by all generations.
    static let blobs = "blobs"
    /// Sealed files that differ from those of their names in `blobs/`: other sealings of the same content.
    static let otherSealings = "other-sealings"
    /// Lists of checksums as `sha256sum -c` reads them.
    static let checksums = "checksums"
    /// Databases: whole ones, and what differs from a whole one.
    static let databases = "databases"
    /// Every other file, under the SHA-256 of its bytes.
    static let files = "files"
    /// One manifest a generation: what has none is no generation.
    static let generations = "generations"
    /// Which store this is a backup of.
    static let marker = "osnova-backup.json"

    static let directories = [blobs, otherSealings, checksums, databases, files, generations]

    /// The directories of other sealings.
    static func otherSealings(in backup: String) -> [String] {
        let folder = "\(backup)/\(otherSealings)"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.sorted().map { "\(folder)/\($0)" }
    }
}
