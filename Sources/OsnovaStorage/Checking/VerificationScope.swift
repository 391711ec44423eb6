internal import Catalog
internal import Primitives

/// Which of a store's blobs a verification reads; that the others have their files is looked at all the same.
public struct VerificationScope: Sendable {
    /// Blobs that were verified as a whole at this time or later are left out: Unix seconds.
    ///
    /// A verification that was interrupted goes on where it was when it is run with the same time again.
    public var notVerifiedSince: Int64?
    /// The part of the blobs that is read, chosen by chance: 0…1.
    public var fraction: Double

    /// Every blob, if nothing else is said.
    public init(notVerifiedSince: Int64? = nil, fraction: Double = 1) {
        self.notVerifiedSince = notVerifiedSince
        self.fraction = fraction
    }

    /// Whether a blob is read, of which a mount knows so much; one that it found damaged is read in any case.
    func includes(_ record: BlobRecord, _ known: UpkeepBook.Check?) -> Bool {
        if known?.damage != nil { return true }
        if let since = notVerifiedSince,
            let verified = CheckTime.latest(record.verified, known?.time, now: Clock.seconds), verified >= since
        {
            return false
        }
        return includesOneMore()
    }

    func includesOneMore() -> Bool {
        fraction >= 1 || Double.random(in: 0..<1) < fraction
    }
}
