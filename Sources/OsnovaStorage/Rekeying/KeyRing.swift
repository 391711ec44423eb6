internal import Catalog
internal import Keyring
internal import Primitives
internal import Sealing
internal import Synchronization

/// The keys that an open store has: one, or two where it has seen a rekey under way.
///
/// Whoever holds one key of a rekey finds the other in the database. What was learnt so is known on after the end of the
/// rekey, so that a mount serves on without its phrase.
final class KeyRing: Sendable {
    private struct Entry {
        let sealing: SealingKeys
        let wrapping: WrappingKey
        let fingerprint: [UInt8]
    }

    private struct State {
        var entries: [Int64: Entry]
        /// The numbers of the keys that contents may be sealed under, the one for new contents first.
        var valid: [Int64]
    }

    private let state: Mutex<State>

    /// Takes the keys that open a store, and what these tell of a rekey that is under way.
    init(_ keys: KeyHierarchy, _ generations: KeyGenerations) throws {
        // Another store's keys are refused by ``KeyCheck``, which needs them to try a foreign root's blobs.
        let own = generations.generation(of: keys.fingerprint) ?? generations.current
        let entry = try Self.entry(keys, own)
        state = Mutex(State(entries: [own: entry], valid: [own]))
        if generations.fingerprints.contains(keys.fingerprint) { try learn(generations) }
    }

    /// What new contents are sealed under.
    var target: SealingKeys? {
        state.withLock { state in state.valid.first.flatMap { state.entries[$0]?.sealing } }
    }

    /// Every key that contents may be sealed under, the one for new contents first.
    var all: [SealingKeys] {
        state.withLock { state in state.valid.compactMap { state.entries[$0]?.sealing } }
    }

    /// A key by its number; nil for one that was never learnt.
    subscript(generation: Int64) -> SealingKeys? {
        state.withLock { $0.entries[generation]?.sealing }
    }

    /// Takes over what the database says now.
    ///
    /// - Throws: `denied` where the store has got another key, and this process has seen nothing of the rekey.
    func learn(_ generations: KeyGenerations) throws {
        guard generations.fingerprint != nil else { return }
        try state.withLock { state in
            for member in generations.rekey {
                guard let entry = state.entries[member.generation], entry.fingerprint == member.fingerprint,
                    let other = generations.rekey.first(where: { $0.generation != member.generation }),
                    state.entries[other.generation] == nil
                else { continue }
                let master = try entry.wrapping.open(
                    member.otherKey, context: RekeyKeys.context(member, other, of: generations))
                state.entries[other.generation] = try Self.entry(KeyHierarchy(master: master), other.generation)
            }
            let known = generations.valid.allSatisfy { state.entries[$0] != nil }
            guard known, generations.fingerprints.contains(state.entries[generations.valid[0]]?.fingerprint ?? [])
            else {
                throw Self.missed
            }
            state.valid = generations.valid
        }
    }

    private static func entry(_ keys: KeyHierarchy, _ generation: Int64) throws -> Entry {
        Entry(
            sealing: try SealingKeys(blobKey: keys.blobKey, tagKey: keys.tagKey, generation: generation),
            wrapping: try WrappingKey(.rekey, of: keys), fingerprint: keys.fingerprint)
    }

    static let missed = OsnovaError(
        .denied,
        "the store has got another key (osnovafs rekey) since it was opened: mount or open it anew, by the new phrase")
}

extension Store {
    /// Every key that contents may be sealed under now.
    func validKeys() throws -> [SealingKeys] {
        _ = try keys()
        return ring?.all ?? []
    }

    /// The key of a number, looked for in the database where this process has not seen it.
    ///
    /// - Throws: `denied` where a rekey was missed; `damaged` for the number of a key that the store never had.
    func keys(of generation: Int64) throws -> SealingKeys {
        if let known = ring?[generation] { return known }
        _ = try keys()
        try learnKeys()
        guard let known = ring?[generation] else {
            throw OsnovaError.damaged("the database names key \(generation), which the store does not have")
        }
        return known
    }

    /// Looks whether a rekey has begun, turned or ended.
    ///
    /// - Throws: `denied` where this process has seen nothing of it.
    func learnKeys() throws {
        try ring?.learn(catalog.read { try $0.keyGenerations() })
    }
}

extension Store {
    /// Makes sure that what was sealed under keys of these numbers may become part of the store.
    ///
    /// - Throws: `busy` where a rekey has ended meanwhile.
    func requireValid(_ generations: [Int64]) throws {
        guard !generations.isEmpty else { return }
        let valid = try catalog.read { try $0.keyGenerations().valid }
        guard generations.allSatisfy(valid.contains) else {
            throw OsnovaError(
                .busy, "the store got another key meanwhile (osnovafs rekey): do it again, by the new phrase")
        }
    }
}
