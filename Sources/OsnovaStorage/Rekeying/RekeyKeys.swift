internal import Catalog
internal import Keyring
internal import Primitives

/// Both keys of a rekey: from the one that contents lose to the one that they get.
struct RekeyKeys {
    let source: (generation: Int64, keys: KeyHierarchy)
    let target: (generation: Int64, keys: KeyHierarchy)

    init(source: (Int64, KeyHierarchy), target: (Int64, KeyHierarchy)) {
        self.source = source
        self.target = target
    }

    /// Finds both keys of a rekey that is under way, by one of them.
    ///
    /// - Throws: `denied` for a key that is neither, `damaged` where the database was changed.
    init(_ generations: KeyGenerations, holder: KeyHierarchy) throws {
        guard let source = generations.source, let target = generations.target else {
            throw OsnovaError(.usage, "no rekey is under way")
        }
        guard let own = [source, target].first(where: { $0.fingerprint == holder.fingerprint }) else {
            throw OsnovaError(.denied, "this key is none of the rekey that is under way")
        }
        let other = own.generation == source.generation ? target : source
        let master = try WrappingKey(.rekey, of: holder)
            .open(own.otherKey, context: Self.context(own, other, of: generations))
        let found = try KeyHierarchy(master: master)
        guard found.fingerprint == other.fingerprint else {
            throw OsnovaError.damaged(
                "the keys of the rekey do not belong together: restore the database from a backup")
        }
        let isSource = own.generation == source.generation
        self.init(
            source: (source.generation, isSource ? holder : found),
            target: (target.generation, isSource ? found : holder))
    }

    /// The same keys with their parts changed: contents go back to the key that they were losing.
    var turned: RekeyKeys { RekeyKeys(source: target, target: source) }

    /// What the database keeps: each master key sealed for the holder of the other one.
    func members() throws -> [KeyGenerations.Member] {
        try [(source, target), (target, source)].map { own, other in
            let context = Self.context(own.keys.fingerprint, other.keys.fingerprint, target: target.keys.fingerprint)
            return KeyGenerations.Member(
                generation: own.generation, fingerprint: own.keys.fingerprint,
                otherKey: try WrappingKey(.rekey, of: own.keys).seal(other.keys.master, context: context),
                isTarget: own.generation == target.generation)
        }
    }

    /// What a sealed master key belongs to: whose it is for, whose it is, and which of both contents are to get.
    static func context(
        _ own: KeyGenerations.Member, _ other: KeyGenerations.Member, of generations: KeyGenerations
    ) -> [UInt8] {
        context(own.fingerprint, other.fingerprint, target: generations.target?.fingerprint ?? [])
    }

    private static func context(_ own: [UInt8], _ other: [UInt8], target: [UInt8]) -> [UInt8] { own + other + target }
}
