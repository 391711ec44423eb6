internal import Primitives
internal import Sealing

/// Verifies sealed files as a whole under whichever of the store's keys they are sealed.
///
/// A store has one key but for the time of a rekey. Used by one thread at a time.
final class StoreAudit {
    private let store: Store
    private let group: DigestGroup?
    private var audits: [Int64: BlobAudit] = [:]

    init(store: Store, group: DigestGroup? = nil) throws {
        self.store = store
        self.group = group
        // What is missing is said before any work.
        _ = try store.keys()
    }

    /// Does what ``BlobAudit`` does; the finding tells which key it was.
    ///
    /// - Parameter expected: the number of the key that is tried first.
    /// - Throws: `damaged` where no key opens the file; `denied` where the store has got one that cannot be had here.
    func verify(
        file: OwnedDescriptor, id: ContentID, expecting expected: Int64? = nil,
        progress: (Int) throws -> Void = { _ in }
    ) throws -> BlobAudit.Finding {
        let known = try store.validKeys()
        let keys = known.filter { $0.generation == expected } + known.filter { $0.generation != expected }
        do {
            return try verify(file, id, under: keys, progress)
        } catch let error as OsnovaError where error.kind == .damaged {
            // Sealed under a key that came while nobody looked? Another thread may have learnt of it meanwhile, so what
            // was tried counts, not whether there is news.
            try store.learnKeys()
            let tried = Set(keys.map(\.generation))
            let others = try store.validKeys().filter { !tried.contains($0.generation) }
            guard !others.isEmpty else { throw error }
            return try verify(file, id, under: others, progress)
        }
    }

    private func verify(
        _ file: OwnedDescriptor, _ id: ContentID, under keys: [SealingKeys], _ progress: (Int) throws -> Void
    ) throws -> BlobAudit.Finding {
        var failure: OsnovaError?
        for key in keys {
            do {
                return try audit(key).verify(file: file, id: id, progress: progress)
            } catch let error as OsnovaError where error.kind == .damaged {
                failure = failure ?? error
            }
        }
        throw failure ?? KeyRing.missed
    }

    private func audit(_ keys: SealingKeys) throws -> BlobAudit {
        if let known = audits[keys.generation] { return known }
        let made = try BlobAudit(keys: keys, group: group)
        audits[keys.generation] = made
        return made
    }
}
