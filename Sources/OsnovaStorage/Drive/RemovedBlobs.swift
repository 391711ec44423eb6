internal import Primitives
internal import Sealing
internal import Synchronization
internal import Tree

/// Blobs whose row is gone and that a program may still have open: their files stay open until the kernel forgets them.
///
/// The chunk tags went with the row, so a read first verifies the file as a whole, once, and keeps new ones in memory.
final class RemovedBlobs: Sendable {
    /// A file that nobody can open any more.
    final class Held: Sendable {
        let id: ContentID
        let file: OwnedDescriptor
        /// What a program sees of it: no name is left.
        let attributes: Attributes
        private let finding = Mutex<Result<BlobAudit.Finding, OsnovaError>?>(nil)

        /// One that was open while it had a row.
        init(_ open: OpenBlob) {
            id = open.blob.id
            file = open.file
            var attributes = open.attributes
            attributes.links = 0
            self.attributes = attributes
        }

        /// One whose row went before it was opened: its length and age are what the file seems to have.
        init(id: ContentID, row: Int64, file: OwnedDescriptor, probe: FileProbe) {
            self.id = id
            self.file = file
            let created = (try? SystemCalls.status(of: file))?.modified ?? 0
            attributes = Attributes(
                inode: .blob(row), kind: .file, size: (try? probe.extent(of: file))?.length ?? 0, links: 0,
                modified: created, changed: created)
        }

        /// Whether a verification takes longer than other requests may wait.
        var isLarge: Bool { attributes.size >= StoreTree.largeFile }

        /// Whether nobody need wait for a verification any more.
        var isVerified: Bool { finding.withLockIfAvailable { $0 != nil } ?? false }

        /// What a verification of the whole file finds, made once: whoever comes meanwhile waits for it.
        func verified(by verify: (OwnedDescriptor, ContentID) throws -> BlobAudit.Finding) throws -> BlobAudit.Finding {
            try finding.withLock { known in
                if let known { return try known.get() }
                do {
                    let found = try verify(file, id)
                    known = .success(found)
                    return found
                } catch let error as OsnovaError where error.kind == .damaged {
                    known = .failure(error)
                    throw error
                }
            }
        }
    }

    private let held = Mutex<[Int64: Held]>([:])
    private let hasAny = Atomic(false)

    func find(_ row: Int64) -> Held? {
        guard hasAny.load(ordering: .relaxed) else { return nil }
        return held.withLock { $0[row] }
    }

    func hold(_ blob: Held, row: Int64) {
        held.withLock {
            $0[row] = blob
            hasAny.store(true, ordering: .relaxed)
        }
    }

    /// Lets go of a file; false where none was held.
    @discardableResult
    func release(_ row: Int64) -> Bool {
        guard hasAny.load(ordering: .relaxed) else { return false }
        let dropped = held.withLock { held in
            let dropped = held.removeValue(forKey: row)
            hasAny.store(!held.isEmpty, ordering: .relaxed)
            return dropped
        }
        return withExtendedLifetime(dropped) { dropped != nil }
    }
}
