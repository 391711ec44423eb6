internal import Primitives
internal import Sealing
internal import Synchronization

/// Blobs whose row is gone and that a program may still have open: their files stay open until the kernel forgets them.
///
/// The chunk tags went with the row, so a read first verifies the file as a whole, once, and keeps new ones in memory.
final class RemovedBlobs: Sendable {
    /// A file that nobody can open any more.
    final class Held: Sendable {
        let id: ContentID
        let file: OwnedDescriptor
        /// Bytes of plaintext.
        let size: Int64
        private let finding = Mutex<BlobAudit.Finding?>(nil)

        /// One that was open while it had a row.
        init(_ open: OpenBlob) {
            id = open.blob.id
            file = open.file
            size = open.blob.length
        }

        /// One whose row went before it was opened: its length is what the file seems to have.
        init(id: ContentID, file: OwnedDescriptor, probe: FileProbe) {
            self.id = id
            self.file = file
            size = (try? probe.extent(of: file))?.length ?? 0
        }

        /// What a verification of the whole file found; two threads may come to it at once, and find the same.
        func verified(_ store: Store) throws -> BlobAudit.Finding {
            if let known = finding.withLock({ $0 }) { return known }
            let found = try StoreAudit(store: store).verify(file: file, id: id)
            finding.withLock { $0 = found }
            return found
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
