internal import Blobs
internal import Catalog
internal import Primitives

/// A blob that a mount found damaged or missing, and that nobody has verified or mended since.
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
        return try standingDamage(in: book).map { check, damage in
            KnownDamage(sha256: check.id.hex, reason: damage.reason, foundAt: damage.found)
        }
    }

    /// The damage that a book knows of blobs that nobody has found sound since: who does moves the time of their rows.
    func standingDamage(in book: UpkeepBook) throws -> [(check: UpkeepBook.Check, damage: UpkeepBook.Damage)] {
        try book.damagedBlobs().compactMap { check in
            guard let damage = check.damage, let record = try catalog.read({ try $0.blob(check.id) }),
                record.row == check.blob, record.verified ?? 0 == damage.verified
            else { return nil }
            return (check, damage)
        }
    }

    /// What a blob's file looks like, as far as whoever changes it changes that.
    ///
    /// The device is left out: the same disk may have another number after the next boot.
    func lookOfFile(_ id: ContentID) throws -> String {
        guard let file = try blobs.status(of: id) else { return "none" }
        return "\(file.inode) \(file.size) \(file.modified) \(file.changed)"
    }
}
