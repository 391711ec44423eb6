internal import Foundation

/// Where things lie in a backup.
enum BackupLayout {
    /// Sealed files that differ from those of their names in `blobs/`: other sealings of the same content.
    private static let otherSealings = "other-sealings"

    /// The directories of other sealings, one for each nonce.
    static func otherSealings(in backup: String) -> [String] {
        let folder = "\(backup)/\(otherSealings)"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.sorted().map { "\(folder)/\($0)" }
    }
}
