/// What a verification of a whole store found.
public struct VerificationReport: Sendable {
    /// A blob that is not what it should be.
    public struct Damage: Sendable, Equatable {
        /// The name of the blob: 64 lower-case hexadecimal digits.
        public let sha256: String
        /// What is wrong with it, in words.
        public let reason: String
    }

    /// A blob that was made sound again.
    public struct Repair: Sendable, Equatable {
        /// The name of the blob: 64 lower-case hexadecimal digits.
        public let sha256: String
        /// What was done, in words.
        public let how: String
    }

    /// Sealed files that were read.
    public internal(set) var checked = 0
    /// Those of them that are sound.
    public internal(set) var ok = 0
    /// Those that are not.
    public internal(set) var damaged: [Damage] = []
    /// Contents that the database refers to and that have no file.
    public internal(set) var missing: [String] = []
    /// Files in `blobs/` that the database does not know; sound ones are taken up by the next mount.
    public internal(set) var untracked: [String] = []
    /// `ok`, or what SQLite's own checks say.
    public internal(set) var database = "ok"
    /// Paths of the store that others than its owner may read or write; no damage, but not as it should be.
    public internal(set) var openToOthers: [String] = []
    /// What a repair made sound; it is in no other list any more.
    public internal(set) var repaired: [Repair] = []
    /// Where a repair put files that nothing could save.
    public internal(set) var quarantined: [String] = []

    /// Whether nothing is damaged or missing.
    public var isSound: Bool { damaged.isEmpty && missing.isEmpty && database == "ok" }

    mutating func sort() {
        damaged.sort { $0.sha256 < $1.sha256 }
        missing.sort()
        untracked.sort()
        openToOthers.sort()
        repaired.sort { $0.sha256 < $1.sha256 }
        quarantined.sort()
    }
}
