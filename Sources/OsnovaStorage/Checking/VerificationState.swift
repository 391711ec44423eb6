internal import Catalog
internal import Primitives

/// How well a store's blobs are known to be sound, by `verify`, by mounts, and by whoever sealed them.
public struct VerificationState: Sendable, Encodable {
    /// Blobs that a mount found damaged or missing, and that are so still.
    public let damaged: [KnownDamage]
    /// Blobs that were never verified as a whole.
    public private(set) var neverVerified: Int64 = 0
    /// Unix seconds since when each of the others was verified; nil where there are none.
    public private(set) var oldestVerifiedAt: Int64?

    fileprivate mutating func count(_ verified: Int64?) {
        if let verified {
            oldestVerifiedAt = min(oldestVerifiedAt ?? verified, verified)
        } else {
            neverVerified += 1
        }
    }
}

extension Store {
    /// Counts verifications, for which the whole list of blobs is read; nil where no mount has made any.
    func verificationState() throws -> VerificationState? {
        do {
            return try readVerificationState()
        } catch {
            guard try UpkeepBook.remakeIfDamaged(path: root.upkeep) else { throw error }
            return nil
        }
    }

    private func readVerificationState() throws -> VerificationState? {
        guard let reader = try UpkeepReader.existing(catalog: root.database, book: root.upkeep), try reader.hasChecks()
        else { return nil }
        var state = VerificationState(damaged: try knownDamage())
        try reader.forEachBlob(now: Clock.seconds) { state.count($0.verified) }
        return state
    }
}
