internal import Blobs
internal import Catalog
internal import Primitives
internal import Sealing
internal import SystemPackage
internal import Tree

extension StoreTree {
    /// Bytes of a sealed file from which on its verification takes longer than other requests may wait.
    static let largeFile: Int64 = 8 << 20

    /// Opens a blob's file for verified reads; one whose tags are missing or another file's is adopted first.
    ///
    /// - Throws: ``LongRead`` where a large file is to be adopted by who is not patient.
    func open(
        _ identity: CatalogReader.BlobIdentity, row: Int64, patientUntil hasEnded: (() -> Bool)?
    ) throws -> OpenBlob {
        let open = try store.open(identity, row: row) { [adoptions, store, corrections] id, status in
            guard hasEnded != nil || status.size < Self.largeFile else { throw LongRead() }
            return try adoptions.adopt(id, status: status) {
                try store.adopt(id, onCorrection: corrections.add) { _ in try Self.goOn(until: hasEnded) }
            }
        }
        guard !corrections.isOutstanding(row) else {
            throw OsnovaError(.inputOutput, "the database had another length of blob \(identity.id): read it again")
        }
        return open
    }

    /// Lets a verification go on as long as somebody waits for it: a mount that ends waits for its threads.
    static func goOn(until hasEnded: (() -> Bool)?) throws {
        if hasEnded?() == true { throw OsnovaError(.unavailable, "the mount is ending") }
    }
}

extension Store {
    /// Opens a sealed file and finds what its chunk tags are made for; `adopt` is called where there are none.
    func open(
        _ identity: CatalogReader.BlobIdentity, row: Int64,
        adopt: (ContentID, SystemCalls.Status) throws -> SealedBlob
    ) throws -> OpenBlob {
        let (file, status) = try openListed(identity.id)
        let nonce = try fileNonce(file)
        if nonce == identity.nonce, let known = Nonce(nonce),
            let blob = SealedBlob(
                id: identity.id, nonce: known, extent: identity.extent, generation: identity.generation)
        {
            guard status.size == blob.fileSize else {
                throw OsnovaError.damaged(
                    "blob \(identity.id) is damaged: \(status.size) bytes, not \(blob.fileSize)")
            }
            return OpenBlob(
                row: row, blob: blob, file: file, status: status, created: identity.created, kind: identity.kind,
                firstTags: identity.firstTags)
        }
        let blob = try adopt(identity.id, status)
        guard blob.nonce.bytes == nonce else { throw sealedAnew(identity.id) }
        return OpenBlob(
            row: row, blob: blob, file: file, status: status, created: identity.created, kind: identity.kind,
            firstTags: [])
    }

    /// A file that the catalog lists and that is not there is damage, not an absent name.
    private func openListed(_ id: ContentID) throws -> (OwnedDescriptor, SystemCalls.Status) {
        do {
            return try blobs.openWithStatus(id)
        } catch let error as OsnovaError where error.kind == .notFound {
            throw OsnovaError.damaged("blob \(id) is missing: its file is not in \(blobs.path)")
        }
    }

    /// The first 12 bytes of a sealed file; fewer where it is cut.
    func fileNonce(_ file: OwnedDescriptor) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Int(SealedLayout.nonceSize))
        do {
            let count = try bytes.withUnsafeMutableBytes { try SystemCalls.read(file, into: $0, at: 0) }
            return Array(bytes.prefix(count))
        } catch let error as Errno {
            throw error.failure("reading a sealed blob", kind: .inputOutput)
        }
    }

    /// Whether a blob's file is there and is the one that its chunk tags were made for.
    func isSealed(_ record: BlobRecord) -> Bool {
        guard let nonce = record.nonce else { return false }
        // What cannot be opened or read is not it.
        return (try? fileNonce(blobs.open(record.id))) == nonce
    }

    /// Gives a sealed file that has no row its row; false where there is no such file.
    func meet(_ id: ContentID) throws -> Bool {
        guard try blobs.status(of: id) != nil else { return false }
        return try catalog.writeDerived { try meet(id, in: $0) }
    }

    /// Gives a sealed file its row within a transaction, in which no file is removed.
    @discardableResult
    func meet(_ id: ContentID, in writing: Writing) throws -> Bool {
        guard let file = try probe.look(at: id) else { return false }
        try writing.recordUnverified(id, file.extent, created: file.created)
        return true
    }
}
