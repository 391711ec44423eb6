internal import Blobs
internal import Catalog
internal import Primitives
internal import Sealing
internal import SystemPackage

extension StoreTree {
    /// Opens a blob's file for verified reads; one whose tags are missing or another file's is adopted first.
    func open(_ identity: CatalogReader.BlobIdentity, row: Int64) throws -> OpenBlob {
        let open = try store.open(identity, row: row) { [adoptions, store, corrections] id, status in
            try adoptions.adopt(id, status: status) { try store.adopt(id, onCorrection: corrections.add) }
        }
        guard !corrections.isOutstanding(row) else {
            throw OsnovaError(.inputOutput, "the database had another length of blob \(identity.id): read it again")
        }
        return open
    }
}

extension Store {
    /// Opens a sealed file and finds what its chunk tags are made for; `adopt` is called where there are none.
    func open(
        _ identity: CatalogReader.BlobIdentity, row: Int64,
        adopt: (ContentID, SystemCalls.Status) throws -> SealedBlob
    ) throws -> OpenBlob {
        let file = try openListed(identity.id)
        let status = try SystemCalls.status(of: file)
        let nonce = try fileNonce(file)
        if nonce == identity.nonce, let known = Nonce(nonce),
            let blob = SealedBlob(id: identity.id, nonce: known, extent: identity.extent)
        {
            guard status.size == blob.fileSize else {
                throw OsnovaError.damaged(
                    "blob \(identity.id) is damaged: \(status.size) bytes, not \(blob.fileSize)")
            }
            return OpenBlob(row: row, blob: blob, file: file, status: status)
        }
        let blob = try adopt(identity.id, status)
        return OpenBlob(row: row, blob: blob, file: file, status: status)
    }

    /// A file that the catalog lists and that is not there is damage, not an absent name.
    private func openListed(_ id: ContentID) throws -> OwnedDescriptor {
        do {
            return try blobs.open(id)
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

    /// Gives a sealed file that has no row its row; false where there is no such file.
    func meet(_ id: ContentID) throws -> Bool {
        guard try blobs.status(of: id) != nil else { return false }
        return try catalog.write { try meet(id, in: $0) }
    }

    /// Gives a sealed file its row within a transaction, in which no file is removed.
    @discardableResult
    func meet(_ id: ContentID, in writing: Writing) throws -> Bool {
        guard let file = try blobs.extentAndAge(of: id, keys: try? keys()) else { return false }
        try writing.recordUnverified(id, file.extent, created: file.created)
        return true
    }
}

extension BlobDirectory {
    /// How long a sealed file seems to be, without any verification, and its age; nil where there is none.
    ///
    /// - Parameter keys: nil where there are none: then a compressed blob is taken for a plain one, until a mount, which
    ///   has keys, looks at it.
    func extentAndAge(of id: ContentID, keys: SealingKeys?) throws -> (extent: BlobExtent, created: Int64)? {
        guard let status = try status(of: id), let length = SealedLayout.plaintextLength(ofFile: status.size) else {
            return nil
        }
        // A file that cannot be read is told by whoever reads it.
        let extent = keys.flatMap { try? $0.guessExtent(of: open(id)) }
        return (extent ?? BlobExtent(plain: length), status.modified)
    }
}
