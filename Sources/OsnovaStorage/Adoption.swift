internal import Blobs
internal import Catalog
internal import Primitives
internal import Sealing

extension Store {
    /// Verifies a sealed file as a whole and records its chunk tags: what a file needs that another program wrote.
    ///
    /// - Throws: `notFound` where there is no file, `damaged` where it is not the content that its name says.
    @discardableResult
    func adopt(_ id: ContentID) throws -> SealedBlob {
        let file = try blobs.open(id)
        do {
            let finding = try BlobAudit(keys: keys()).verify(file: file, id: id)
            _ = try catalog.write { try $0.record(VerifiedBlob(finding)) }
            return finding.blob
        } catch let error as OsnovaError where error.kind == .damaged {
            throw OsnovaError.damaged("blob \(id) is damaged: \(error.message)")
        }
    }
}
