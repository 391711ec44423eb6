internal import Blobs
internal import Catalog
internal import Primitives
internal import Sealing

extension Store {
    /// Verifies a sealed file as a whole and records its chunk tags: what a file needs that another program wrote.
    ///
    /// - Parameters:
    ///   - onCorrection: called with the blob's row where the database had another length, before anyone can see the
    ///     true one.
    ///   - progress: told the number of bytes just read; what it throws ends the verification.
    /// - Throws: `notFound` where there is no file, `damaged` where it is not the content that its name says, `busy`
    ///   where another program sealed it anew meanwhile.
    @discardableResult
    func adopt(
        _ id: ContentID, onCorrection: (Int64) -> Void = { _ in }, progress: (Int) throws -> Void = { _ in }
    ) throws -> SealedBlob {
        let file = try blobs.open(id)
        do {
            let finding = try StoreAudit(store: self).verify(file: file, id: id, progress: progress)
            try catalog.writeDerived { writing in
                // Its file may have been removed since it was opened: files go in write transactions only.
                guard try blobs.status(of: id) != nil else { throw OsnovaError(.notFound, "blob \(id) is gone") }
                guard try fileNonce(blobs.open(id)) == finding.blob.nonce.bytes else { throw sealedAnew(id) }
                if let known = try writing.reading.blob(id), known.size != finding.blob.length {
                    onCorrection(known.row)
                }
                try writing.record(VerifiedBlob(finding))
            }
            return finding.blob
        } catch let error as OsnovaError where error.kind == .damaged {
            throw OsnovaError.damaged("blob \(id) is damaged: \(error.message)")
        }
    }

    /// What is said where a file became another one between two looks at it.
    func sealedAnew(_ id: ContentID) -> OsnovaError {
        OsnovaError(.busy, "blob \(id) was sealed anew just now: try again")
    }
}
