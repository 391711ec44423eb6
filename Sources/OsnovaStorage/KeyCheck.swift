internal import Blobs
internal import Catalog
internal import Keyring
internal import Primitives
internal import Sealing

/// Tells a store's own key from another's before anything is done with it.
struct KeyCheck {
    let store: Store

    /// Foreign roots have no fingerprint: so many of their smallest blobs are tried instead.
    private static let trials = 16

    /// Accepts the store's own keys.
    ///
    /// A root that another program made has no fingerprint yet; keys that open one of its blobs are its own, and then
    /// their fingerprint is recorded.
    func accept(_ keys: KeyHierarchy) throws {
        let generations = try store.catalog.read { try $0.keyGenerations() }
        guard generations.fingerprint == nil else { return try accept(keys.fingerprint, generations) }
        let candidates = try smallestBlobs()
        var failures: [OsnovaError] = []
        guard try candidates.isEmpty || candidates.contains(where: { try opens($0, &failures) }) else {
            // Where the disk reads none of them, nothing is known of the key.
            if failures.count == candidates.count, let failure = failures.first { throw failure }
            throw refusal()
        }
        try store.catalog.writeDerived { try $0.setKeyFingerprint(keys.fingerprint) }
    }

    /// While a rekey is under way, both of its keys open the store.
    private func accept(_ fingerprint: [UInt8], _ generations: KeyGenerations) throws {
        let isOwn = generations.fingerprints.contains { recorded in
            recorded.withUnsafeBytes { known in fingerprint.withUnsafeBytes { Sodium.constantTimeEqual(known, $0) } }
        }
        guard isOwn else { throw refusal(hasRekeyed: generations.current > 0) }
    }

    private func refusal(hasRekeyed: Bool = false) -> OsnovaError {
        let place = store.root.path + (hasRekeyed ? ", which got another one by a rekey" : "")
        return OsnovaError(.denied, "this is a sound key, but not that of \(place): nothing was opened")
    }

    private func smallestBlobs() throws -> [ContentID] {
        var found: [(size: Int64, id: ContentID)] = []
        try store.blobs.scan { entry in
            guard case .blob(let id) = entry, let status = try store.blobs.status(of: id) else { return true }
            // What a killed program cut short tells nothing, and is tried last.
            found.append((SealedLayout.plaintextLength(ofFile: status.size) ?? Int64.max, id))
            if found.count >= 2 * Self.trials {
                found.sort { $0.size < $1.size }
                found.removeLast(Self.trials)
            }
            return true
        }
        return found.sorted { $0.size < $1.size }.prefix(Self.trials).map(\.id)
    }

    private func opens(_ id: ContentID, _ failures: inout [OsnovaError]) throws -> Bool {
        do {
            let file = try store.blobs.openToCheck(id)
            let audit = try BlobAudit(keys: store.keys())
            do {
                _ = try audit.verify(file: file, id: id)
            } catch let error as OsnovaError where error.kind == .inputOutput {
                failures.append(error)
                return false
            }
            return true
        } catch let error as OsnovaError where error.kind == .damaged {
            return false
        }
    }
}
