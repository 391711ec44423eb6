internal import Blobs
internal import Catalog
internal import Primitives

/// A blob that a mount found damaged or missing, and that is as it was then.
public struct KnownDamage: Sendable, Equatable, Encodable {
    /// The name of the blob: 64 lower-case hexadecimal digits.
    public let sha256: String
    /// What is wrong with it, in words.
    public let reason: String
    /// Unix seconds at which it was first found.
    public let foundAt: Int64
}

extension Store {
    /// What mounts found damaged when they verified blobs in the background; what was mended since is left out.
    public func knownDamage() throws -> [KnownDamage] {
        guard let book = try UpkeepBook.existing(path: root.upkeep) else { return [] }
        return try standingDamage(in: book).standing.compactMap { check in
            check.damage.map { KnownDamage(sha256: check.id.hex, reason: $0.reason, foundAt: $0.found) }
        }
    }

    /// The damage that a book knows, parted by whether file and row still look as they did.
    func standingDamage(in book: UpkeepBook) throws -> (standing: [UpkeepBook.Check], mended: [UpkeepBook.Check]) {
        var standing: [UpkeepBook.Check] = []
        var mended: [UpkeepBook.Check] = []
        for check in try book.damagedBlobs() {
            let record = try catalog.read { try $0.blob(check.id) }
            if let record, record.row == check.blob, try damageEvidence(of: record) == check.damage?.evidence {
                standing.append(check)
            } else {
                mended.append(check)
            }
        }
        return (standing, mended)
    }

    /// What a blob's file and row look like, as far as whoever mends one of them changes it.
    ///
    /// The device is left out: the same disk may have another number after the next boot.
    func damageEvidence(of record: BlobRecord) throws -> String {
        let row = "row \(record.size) \(record.verified ?? 0)"
        guard let file = try blobs.status(of: record.id) else { return "\(row), no file" }
        return "\(row), file \(file.inode) \(file.size) \(file.modified) \(file.changed)"
    }
}
