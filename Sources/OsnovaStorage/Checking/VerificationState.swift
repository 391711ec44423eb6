internal import Catalog
internal import Primitives

/// How well a store's blobs are known to be sound, by `verify`, by mounts, and by whoever sealed them.
public struct VerificationState: Sendable, Encodable {
    /// Blobs that a mount found damaged or missing, and that are so still.
    public let damaged: [KnownDamage]
    /// Blobs that were never verified as a whole.
    public let neverVerified: Int64
    /// Unix seconds since when each of the others was verified; nil where there are none.
    public let oldestVerifiedAt: Int64?
}

extension Store {
    /// Counts verifications; reads the whole list of blobs.
    func verificationState() throws -> VerificationState {
        var count = Tally()
        if let reader = try UpkeepReader.existing(catalog: root.database, book: root.upkeep) {
            try reader.forEachBlob(now: Clock.seconds) { count.add($0.verified) }
        } else {
            try forEachBlob { count.add(CheckTime.latest($0.verified, nil, now: Clock.seconds)) }
        }
        return VerificationState(
            damaged: try knownDamage(), neverVerified: count.never, oldestVerifiedAt: count.oldest)
    }
}

private struct Tally {
    var never: Int64 = 0
    var oldest: Int64?

    mutating func add(_ verified: Int64?) {
        if let verified { oldest = min(oldest ?? verified, verified) } else { never += 1 }
    }
}
