internal import Primitives
internal import SystemPackage

/// Where sealed files belong in a backup, and the SHA-256 of those that are there.
///
/// A copy that is there is never overwritten, since nobody can tell here which of two files is sound; and a path whose
/// SHA-256 a generation relies on gets those bytes again, or none.
final class SealingPlaces {
    /// Where one belongs.
    struct Place {
        /// In the backup.
        let path: String
        let isThere: Bool

        var folder: String { FilePath(path).removingLastComponent().string }
    }

    /// What a path is to a sealed file.
    private enum Fit {
        case free, own, taken
        /// Taken by a file of the same nonce and size: one of the two is damaged.
        case takenByDouble
    }

    private let backup: String
    private let earlier: EarlierSealings
    private let far: FarFiles?
    private(set) var checksums: ChecksumLists
    /// Contents that come to lie beside a file of the same nonce and size.
    private(set) var doubles: [String] = []

    /// - Parameter far: what the backup has elsewhere, if `backup` is but the part that is sent there.
    init(backup: String, earlier: EarlierSealings, far: FarFiles?) throws {
        self.backup = backup
        self.earlier = earlier
        self.far = far
        checksums = try ChecksumLists(in: backup)
    }

    /// Enters a file that is in the backup now.
    func enter(_ path: String, _ sum: ContentID) { checksums.add(path, sum) }

    /// The place that has a sealed file already, or the first one that is free.
    func place(of sealing: StoredSealing) throws -> Place {
        if let path = earlier.path(ofUntouched: sealing), try hasCopy(path, sealing) {
            return Place(path: path, isThere: true)
        }
        var hasDouble = false
        var number = 0
        while true {
            let path = Self.path(of: sealing, number)
            switch try far.map({ try fit(path, sealing, in: $0) }) ?? fit(path, sealing) {
            case .own: return Place(path: path, isThere: true)
            case .free:
                if hasDouble { doubles.append(sealing.id.hex) }
                return Place(path: path, isThere: false)
            case .taken: break
            case .takenByDouble: hasDouble = true
            }
            number += 1
        }
    }

    /// The place of a copy with the nonce and the size of a sealed file that cannot be read; nil where there is none.
    func earlierCopy(of sealing: StoredSealing) throws -> Place? {
        // Of several the newest generation's: another may be what a repair replaced.
        let paths = [earlier.path(of: sealing.id), Self.path(of: sealing, 0), Self.path(of: sealing, 1)]
        return try paths.compactMap { $0 }.first { try hasCopy($0, sealing) }.map { Place(path: $0, isThere: true) }
    }

    private static func path(of sealing: StoredSealing, _ number: Int) -> String {
        if number == 0 { return BackupBlobs.path(of: sealing.id) }
        let suffix = number == 1 ? "" : "-\(number)"
        return "\(BackupLayout.otherSealings)/\(sealing.identity.name)\(suffix)/\(sealing.id.hex).enc"
    }

    private func fit(_ path: String, _ sealing: StoredSealing) throws -> Fit {
        switch try isAlike(path, sealing) {
        case nil:
            guard let known = checksums.sums[path] else { return .free }
            return try sealing.sum() == known ? .free : .taken
        case false?: return .taken
        case true?:
            guard let known = try sum(path) else { return .taken }
            // One file of two names is what it is, whatever its disk did to it.
            if try sealing.isSame(as: BackupFiles.open("\(backup)/\(path)")) { return .own }
            return try sealing.sum() == known ? .own : .takenByDouble
        }
    }

    /// What a list names and the far disk has is whole: the list is sent after the files.
    private func fit(_ path: String, _ sealing: StoredSealing, in far: FarFiles) throws -> Fit {
        guard let known = checksums.sums[path] else {
            // Lists can be lost: what they do not name may be a generation's all the same, and rsync would replace it.
            return !far.contains(path) || far.isSame(path, sealing.status) ? .free : .taken
        }
        // Of one size and time it is the file that was sent; a restored store has other times and the same bytes.
        guard try far.isSame(path, sealing.status) || sealing.sum() == known else { return .taken }
        return far.contains(path) ? .own : .free
    }

    /// Whether a path has a copy of known SHA-256 that is like a sealed file; of a far one nothing but the size tells.
    private func hasCopy(_ path: String, _ sealing: StoredSealing) throws -> Bool {
        if let far { return checksums.sums[path] != nil && far.files[path]?.size == sealing.identity.size }
        return try PrintablePath.path(path, below: backup) != nil && isAlike(path, sealing) == true && sum(path) != nil
    }

    /// Whether a copy has the nonce and the size of a sealed file; nil where there is no copy.
    private func isAlike(_ path: String, _ sealing: StoredSealing) throws -> Bool? {
        do {
            let copy = try BackupFiles.open("\(backup)/\(path)")
            return try SealingIdentity(of: copy, path: "\(backup)/\(path)") == sealing.identity
        } catch let error as OsnovaError where error.kind == .notFound {
            return nil
        } catch let error as OsnovaError where error.kind == .damaged || error.kind == .inputOutput {
            return false
        }
    }

    /// The SHA-256 of a copy: it is whole, since it has its name, but a run that was killed may not have noted it.
    ///
    /// - Returns: nil for a copy that its disk cannot read.
    private func sum(_ path: String) throws -> String? {
        if let known = checksums.sums[path] { return known }
        do {
            let sum = try BackupFiles.sum("\(backup)/\(path)").sum
            checksums.add(path, sum)
            return sum.hex
        } catch let error as OsnovaError where error.kind == .inputOutput {
            return nil
        }
    }
}
