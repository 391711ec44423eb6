internal import Blobs
public import Catalog
public import Primitives
internal import Sealing

extension Store {
    /// Calls `body` with a blob's plaintext, or a part of it, piece by piece, each verified before it is handed out.
    ///
    /// - Parameters:
    ///   - range: which bytes; what lies behind the end is left out. Of the file no more is read than it needs.
    ///   - body: may throw to end it; the pointer must not escape.
    /// - Throws: `notFound` for content that is not stored, `damaged` where a piece is not what was sealed; what was
    ///   handed out before is sound. `usage` for a range that begins before 0, `denied` for a store without keys.
    public func forEachPiece(
        of id: ContentID, in range: Range<Int64> = 0..<Int64.max, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        guard range.lowerBound >= 0 else {
            throw OsnovaError(.usage, "a part of \(id) cannot begin at \(range.lowerBound): the first byte is 0")
        }
        guard try catalog.read({ try $0.hasBlob(id) }) || meet(id) else {
            throw OsnovaError(.notFound, "\(id) is not stored here")
        }
        let catalogReader = try CatalogReader(path: root.database)
        let (open, tags) = try untilSettled { try openWithTags(id, catalogReader) }
        let reader = try BlobReader(keys: keys(of: open.blob.generation))
        func read(at offset: Int64, _ count: Int64) throws -> UnsafeRawBufferPointer {
            try reader.read(open.blob, file: open.file, at: offset, count: Int(count)) {
                try Self.copy(tags, $0, of: open.blob, into: $1)
            }
        }
        let end = min(range.upperBound, open.blob.length)
        // That the content ends before the range may be what a forged row says; its last byte shows whether it does.
        if range.lowerBound >= open.blob.length, end > 0 { _ = try read(at: end - 1, 1) }
        var offset = range.lowerBound
        while offset < end {
            let piece = try read(at: offset, min(Int64(BlobReader.maximumRead), end - offset))
            try body(piece)
            offset += Int64(piece.count)
        }
    }
}

extension Store {
    private static let attempts = 5

    /// Opens a sealed file and reads its tags again where both became others meanwhile, as by a rekey.
    private func untilSettled<Result>(_ body: () throws -> Result) throws -> Result {
        for _ in 1..<Self.attempts {
            do {
                return try body()
            } catch let error as OsnovaError where error.kind == .busy {
                continue
            }
        }
        return try body()
    }

    private func openWithTags(_ id: ContentID, _ catalogReader: CatalogReader) throws -> (OpenBlob, [UInt8]) {
        guard let row = try catalog.read({ try $0.blob(id)?.row }),
            let identity = try catalogReader.identity(ofBlob: row)
        else { throw OsnovaError(.notFound, "\(id) is not stored here") }
        let open = try open(identity, row: row) { id, _ in try adopt(id) }
        return (open, try tags(of: open.blob))
    }

    /// All chunk tags of an open blob: with them its open file can be read to the end though both be removed meanwhile.
    private func tags(of blob: SealedBlob) throws -> [UInt8] {
        let tags = try catalog.read { reading -> [UInt8]? in
            guard let known = try reading.blob(blob.id), known.nonce == blob.nonce.bytes else { return nil }
            return try reading.tags(ofBlob: known.row)
        }
        guard let tags else { throw sealedAnew(blob.id) }
        return tags
    }

    private static func copy(
        _ tags: [UInt8], _ chunks: ClosedRange<Int>, of blob: SealedBlob, into memory: UnsafeMutableRawBufferPointer
    ) throws {
        let range = chunks.lowerBound * Tag.byteCount..<(chunks.upperBound + 1) * Tag.byteCount
        guard range.upperBound <= tags.count else {
            throw OsnovaError.damaged("the database lacks its chunk tags")
        }
        memory.copyBytes(from: tags[range])
    }
}

extension Store {
    /// Calls `body` with the record of each blob, in the order in which they came; needs no key.
    public func forEachBlob(_ body: (BlobRecord) throws -> Void) throws {
        var row = Int64.min
        while true {
            let records = try catalog.read { try $0.blobs(after: row, limit: 4096) }
            guard let last = records.last else { return }
            for record in records { try body(record) }
            row = last.row
        }
    }
}
