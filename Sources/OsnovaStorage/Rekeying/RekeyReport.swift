/// What a rekey did.
public struct RekeyReport: Sendable {
    /// A content that no key of the store opens.
    public struct Damage: Sendable, Equatable {
        /// The name of the blob: 64 lower-case hexadecimal digits.
        public let sha256: String
        /// What is wrong with it, in words.
        public let reason: String
    }

    /// Contents that were sealed anew.
    public internal(set) var sealed = 0
    /// Contents whose file an earlier run had sealed anew.
    public internal(set) var wasSealed = 0
    /// Files that are not the content that their names say: as long as there is one, the rekey does not end.
    public internal(set) var damaged: [Damage] = []
    /// Contents that have no file: the same.
    public internal(set) var missing: [String] = []
    /// Listed component keys that the new master key does not make and that are kept for it.
    public internal(set) var carriedKeys = 0
    /// Whether the new key alone opens the store.
    public internal(set) var isFinished = false
    /// Whether nothing of the old key's secrets is left in the WAL.
    public internal(set) var isErased = false
    /// Copies of the database that held keys of the rekey, and were removed.
    public internal(set) var removedCopies: [String] = []
    /// Copies of the database that cannot be read, and may hold keys of the rekey.
    public internal(set) var unreadableCopies: [String] = []

    /// Whether everything could be sealed anew.
    public var isSound: Bool { damaged.isEmpty && missing.isEmpty }
}
