internal import Foundation
internal import GRDB
internal import Primitives

/// Which keys a store has: one, or two while a rekey is under way.
public struct KeyGenerations: Sendable {
    /// A key of a rekey that is under way.
    public struct Member: Sendable {
        /// Its number among the keys that the store has had.
        public let generation: Int64
        /// Tells it from others.
        public let fingerprint: [UInt8]
        /// The other one's master key, sealed for the holder of this one.
        public let otherKey: [UInt8]
        /// Whether all contents are to be sealed under this one.
        public let isTarget: Bool

        /// Gathers what is recorded of a key.
        public init(generation: Int64, fingerprint: [UInt8], otherKey: [UInt8], isTarget: Bool) {
            self.generation = generation
            self.fingerprint = fingerprint
            self.otherKey = otherKey
            self.isTarget = isTarget
        }
    }

    /// The number of the key that the store has.
    public let current: Int64
    /// The fingerprint of that key; nil where none was recorded yet.
    public let fingerprint: [UInt8]?
    /// Both keys of a rekey that is under way; else none.
    public let rekey: [Member]

    /// The key that all contents are to be sealed under, where a rekey is under way.
    public var target: Member? { rekey.first(where: \.isTarget) }

    /// The key that contents are to lose, where a rekey is under way.
    public var source: Member? { rekey.first { !$0.isTarget } }

    /// The numbers of the keys that contents may be sealed under, the one for new contents first.
    public var valid: [Int64] {
        guard let target, let source else { return [current] }
        return [target.generation, source.generation]
    }

    /// The fingerprints of the keys that open the store.
    public var fingerprints: [[UInt8]] {
        rekey.isEmpty ? [fingerprint].compactMap { $0 } : rekey.map(\.fingerprint)
    }

    /// The number of the key that has a fingerprint; the store's own number where it has recorded none.
    public func generation(of fingerprint: [UInt8]) -> Int64? {
        if let member = rekey.first(where: { $0.fingerprint == fingerprint }) { return member.generation }
        return self.fingerprint == nil || self.fingerprint == fingerprint ? current : nil
    }
}

/// SQL of the numbers of keys.
enum GenerationSQL {
    /// The number of the store's key.
    static let current = "coalesce((SELECT CAST(value AS INTEGER) FROM store WHERE key = 'key_generation'), 0)"
    /// The number of the key that the file of a row of `blobs` is sealed under.
    static let ofBlob = "coalesce((SELECT generation FROM blob_generations WHERE blob = blobs.id), \(current))"
}

extension Reading {
    /// Which keys the store has.
    public func keyGenerations() throws -> KeyGenerations {
        let sql = "SELECT generation, fingerprint, other_key, is_target FROM rekey ORDER BY generation"
        let members = try Row.fetchAll(database.cachedStatement(sql: sql)).map { row in
            KeyGenerations.Member(
                generation: row.integer("generation") ?? -1,
                fingerprint: row.bytes("fingerprint").map(Array.init) ?? [],
                otherKey: row.bytes("other_key").map(Array.init) ?? [], isTarget: row.integer("is_target") == 1)
        }
        guard members.isEmpty || (members.count == 2 && members.filter(\.isTarget).count == 1) else {
            throw OsnovaError.damaged("the database has a rekey under way that is none: restore it from a backup")
        }
        let current = try Int64.fetchOne(database.cachedStatement(sql: "SELECT \(GenerationSQL.current)"))
        return KeyGenerations(current: current ?? 0, fingerprint: try keyFingerprint(), rekey: members)
    }

    /// Whether a row says of a blob that its file is not sealed under a key.
    func hasBlob(notUnder generation: Int64) throws -> Bool {
        // A forged row that names no content has nothing that could be sealed anew.
        let sql = """
            SELECT 1 FROM blobs WHERE \(GenerationSQL.ofBlob) <> ?
            AND length(sha256) = 64 AND sha256 NOT GLOB '*[^0-9a-f]*' LIMIT 1
            """
        return try Row.fetchOne(database.cachedStatement(sql: sql), arguments: [generation]) != nil
    }
}
