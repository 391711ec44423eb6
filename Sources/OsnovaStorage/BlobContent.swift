internal import Blobs
public import Catalog
public import Primitives
internal import Sealing

extension Store {
    /// Calls `body` with a blob's plaintext, piece by piece, each verified before it is handed out.
    ///
    /// - Throws: `notFound` for content that is not stored, `damaged` where a piece is not what was sealed; what was
    ///   handed out before is sound.
    public func forEachPiece(of id: ContentID, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        guard try catalog.read({ try $0.hasBlob(id) }) || meet(id) else {
            throw OsnovaError(.notFound, "\(id) is not stored here")
        }
        let catalogReader = try CatalogReader(path: root.database)
        guard let row = try catalog.read({ try $0.blob(id)?.row }),
            let identity = try catalogReader.identity(ofBlob: row)
        else { throw OsnovaError(.notFound, "\(id) is not stored here") }
        let open = try open(identity, row: row) { id, _ in try adopt(id) }
        let reader = try BlobReader(keys: keys())
        let tags = TagCache(catalog: catalogReader)
        var offset: Int64 = 0
        while offset < open.blob.length {
            let piece = try reader.read(open.blob, file: open.file, at: offset, count: BlobReader.maximumRead) {
                try tags.copy($0, ofBlob: row, into: $1)
            }
            try body(piece)
            offset += Int64(piece.count)
        }
    }
}

extension Store {
    /// Calls `body` with the record of each blob, in the order in which they came; needs no key.
    public func forEachBlob(_ body: (BlobRecord) throws -> Void) throws {
        var row: Int64 = 0
        while true {
            let records = try catalog.read { try $0.blobs(after: row, limit: 4096) }
            guard let last = records.last else { return }
            for record in records { try body(record) }
            row = last.row
        }
    }
}
