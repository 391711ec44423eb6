internal import Blobs
internal import Catalog
internal import Primitives
internal import Sealing
internal import Tree

/// How much of a content is stored.
enum StoredState {
    /// The sealed file was read as a whole just now and is the content; its row and its chunk tags are right.
    case sound
    /// There is no file.
    case absent
    /// There is a file that is not the content, or not all of it, or that cannot be read.
    case damaged
}

/// Finds out whether a content is stored, so that it need not be written again.
///
/// `put` promises the content, not a file of its name: a file that is found is read and verified, once for each
/// content, and forged or missing chunk tags are made anew. Used by one thread at a time.
final class StoredContents {
    private let store: Store
    private let audit: StoreAudit
    private var sound: Set<ContentID> = []
    private var lock: BlobLock?

    /// Contents remembered at most; then all are forgotten and verified again where they come up.
    private static let maximumRemembered = 65_536

    init(store: Store) throws {
        self.store = store
        audit = try StoreAudit(store: store)
    }

    /// Whether a content is stored; what is, stays so until ``release()``.
    func state(of id: ContentID) throws -> StoredState {
        if lock == nil { lock = try store.blobs.lockAgainstRemoval() }
        guard try store.blobs.status(of: id) != nil else { return .absent }
        // A removal that was cut short may have left the file of a row that is gone.
        if sound.contains(id), try store.catalog.read({ try $0.hasBlob(id) }) { return .sound }
        let finding: BlobAudit.Finding
        let file: OwnedDescriptor
        do {
            file = try store.blobs.openToCheck(id)
            finding = try UnreadableFiles.areDamaged { try audit.verify(file: file, id: id) }
        } catch let error as OsnovaError where error.kind == .damaged {
            return .damaged
        } catch let error as OsnovaError where error.kind == .notFound {
            return .absent
        }
        try record(finding, file)
        if sound.count >= Self.maximumRemembered { sound.removeAll() }
        sound.insert(id)
        return .sound
    }

    /// Lets blobs be removed again that nothing refers to.
    func release() { lock = nil }

    private func record(_ finding: BlobAudit.Finding, _ file: OwnedDescriptor) throws {
        let isKnown = try store.catalog.read { reading in
            guard let known = try reading.blob(finding.blob.id), known.nonce == finding.blob.nonce.bytes,
                known.extent == finding.blob.extent, known.generation == finding.blob.generation
            else { return false }
            return try reading.tags(ofBlob: known.row) == finding.tags
        }
        guard !isKnown else { return }
        // Whoever wrote it may not have made it durable yet, or never will.
        do {
            try SystemCalls.synchronize(file)
        } catch {
            throw error.failure("writing \(store.blobs.path)/\(finding.blob.id).enc to its disk", kind: .inputOutput)
        }
        try store.blobs.synchronize()
        _ = try store.catalog.write { try $0.record(VerifiedBlob(finding)) }
    }
}

extension VerifiedBlob {
    /// What an audit found, as the catalog records it.
    init(_ finding: BlobAudit.Finding) {
        self.init(
            id: finding.blob.id, extent: finding.blob.extent, nonce: finding.blob.nonce.bytes, tags: finding.tags,
            mediaType: MediaType(prefix: finding.prefix), generation: finding.blob.generation)
    }
}
