internal import Foundation
internal import Glibc
internal import Primitives

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

    /// Bytes that a marker has at most.
    static let largestMarker: Int64 = 64 << 10
    /// Bytes that a manifest has at most, since it is read whole: enough for ten million contents that are untracked or
    /// missing, or five million in other places than their names say.
    static let largestManifest: Int64 = 1 << 30

    static let directories = [blobs, otherSealings, checksums, databases, files, generations]

    /// Whether a file of one of the directories is called as a backup calls it: only such are ever removed.
    static func isOwn(_ name: String, in directory: String) -> Bool {
        switch directory {
        case databases:
            return [".db", ".delta"].contains { name.hasSuffix($0) && isGeneration(name.dropLast($0.count)) }
        case files: return ContentID(hex: name) != nil
        case checksums: return isGeneration(name[...]) || name.hasPrefix(ChecksumLists.mergedPrefix)
        case generations: return name.hasSuffix(".json") && isGeneration(name.dropLast(".json".count))
        default: return false
        }
    }

    /// Whether a file is one that was being written.
    static func isTemporary(_ name: String) -> Bool {
        let suffix = BackupFiles.unnamedSuffix
        return name.hasPrefix(BackupFiles.temporaryPrefix)
            || name.hasSuffix(suffix) && ContentID(hex: String(name.dropLast(suffix.count))) != nil
    }

    private static func isGeneration(_ name: Substring) -> Bool { GenerationName(String(name)) != nil }

    /// The directories of other sealings; a file or a link among them is somebody else's.
    static func otherSealings(in backup: String) -> [String] {
        let folder = "\(backup)/\(otherSealings)"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.sorted().map { "\(folder)/\($0)" }.filter { (try? SystemCalls.status($0))?.type == S_IFDIR }
    }
}
