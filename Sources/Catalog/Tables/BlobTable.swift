internal import Foundation
internal import GRDB
public import Primitives
public import Tree

/// What the database knows of a blob.
public struct BlobRecord: Sendable {
    /// The row, and with it the inode.
    public let row: Int64
    /// The SHA-256 of the plaintext.
    public let id: ContentID
    /// Bytes of plaintext and of what was sealed; of a blob that was not verified yet, what its file implies.
    public let extent: BlobExtent
    /// The nonce that the chunk tags were made for; nil for a blob that was not verified yet.
    public let nonce: [UInt8]?
    /// Unix nanoseconds.
    public let created: Int64
    /// Unix seconds of the last verification as a whole.
    public let verified: Int64?
    /// The number of the key that the file is sealed under.
    public let generation: Int64

    static let select = "SELECT blobs.*, \(GenerationSQL.ofBlob) AS generation FROM blobs"

    /// Bytes of plaintext.
    public var size: Int64 { extent.length }

    init?(_ row: Row) {
        guard let id = ContentID(hex: row.text("sha256") ?? ""), let number = row.integer("id") else { return nil }
        self.row = number
        self.id = id
        // No blob has a length below 0: a forged one is told as damage.
        extent = BlobExtent(
            size: row.integer("size") ?? -1, encoding: row.integer("encoding") ?? 0,
            sealedSize: row.integer("sealed_size") ?? -1)
        nonce = row.bytes("nonce").map(Array.init)
        created = row.integer("created_at") ?? 0
        verified = row.integer("verified_at")
        generation = row.integer("generation") ?? 0
    }
}

/// A blob that was just sealed, or just verified as a whole.
public struct VerifiedBlob: Sendable {
    /// The SHA-256 of the plaintext.
    public var id: ContentID
    /// Bytes of plaintext and of what was sealed.
    public var extent: BlobExtent
    /// The 12 bytes at the file's start.
    public var nonce: [UInt8]
    /// 16 bytes for each 64 KiB.
    public var tags: [UInt8]
    /// What its first bytes tell.
    public var mediaType: MediaType
    /// The number of the key that it is sealed under.
    public var generation: Int64

    /// Gathers what a verification found.
    public init(
        id: ContentID, extent: BlobExtent, nonce: [UInt8], tags: [UInt8], mediaType: MediaType, generation: Int64 = 0
    ) {
        self.id = id
        self.extent = extent
        self.nonce = nonce
        self.tags = tags
        self.mediaType = mediaType
        self.generation = generation
    }
}

extension BlobExtent {
    /// What the columns of a row mean, which anyone may have written: one that makes no sense fits no file.
    init(size: Int64, encoding: Int64, sealedSize: Int64) {
        switch BlobEncoding(rawValue: encoding) {
        case .zstd: self.init(compressed: sealedSize, of: size)
        case .plain, nil: self.init(plain: size)
        }
    }

    /// The value of the column `sealed_size`.
    fileprivate var sealedSize: Int64? { encoding == .plain ? nil : sealedLength }
}

/// How the chunk tags lie in `blob_tags`.
public enum TagPage {
    /// Tags in a row.
    public static let tagCount = 64
    /// Bytes in a full row.
    public static let byteCount = tagCount * Tag.byteCount

    static func position(blob: Int64, page: Int) -> Int64 { blob << 16 | Int64(page) }
}

extension Reading {
    /// The record of a blob; nil where there is none.
    public func blob(_ id: ContentID) throws -> BlobRecord? {
        try Row.fetchOne(
            database.cachedStatement(sql: BlobRecord.select + " WHERE sha256 = ?"), arguments: [id.hex]
        ).flatMap(BlobRecord.init)
    }

    /// Whether a blob is known.
    public func hasBlob(_ id: ContentID) throws -> Bool {
        try Row.fetchOne(
            database.cachedStatement(sql: "SELECT 1 FROM blobs WHERE sha256 = ?"), arguments: [id.hex]) != nil
    }

    /// Whether a row is there, whatever it says.
    public func hasBlob(inRow row: Int64) throws -> Bool {
        try Row.fetchOne(
            database.cachedStatement(sql: "SELECT 1 FROM blobs WHERE id = ?"), arguments: [row]) != nil
    }

    /// Whether a blob of exactly so many bytes is known: if not, content of that size is new.
    public func hasBlob(ofSize size: Int64) throws -> Bool {
        try Row.fetchOne(
            database.cachedStatement(sql: "SELECT 1 FROM blobs WHERE size = ? LIMIT 1"), arguments: [size]) != nil
    }

    /// The next blobs by row, at most `limit`.
    public func blobs(after row: Int64, limit: Int) throws -> [BlobRecord] {
        try blobs(after: row, where: "TRUE", limit: limit)
    }

    /// The next blobs by row that fulfil a condition, at most `limit`; none where there are no more.
    func blobs(after row: Int64, where condition: String, limit: Int) throws -> [BlobRecord] {
        let sql = BlobRecord.select + " WHERE id > ? AND \(condition) ORDER BY id LIMIT ?"
        var row = row
        while true {
            let page = try Row.fetchAll(database.cachedStatement(sql: sql), arguments: [row, limit])
            guard let last = page.last?.integer("id") else { return [] }
            let records = page.compactMap(BlobRecord.init)
            // A page of forged rows, which name no content, is not the end.
            if !records.isEmpty { return records }
            row = last
        }
    }

    /// All chunk tags of a blob, 16 bytes each, without those of rows that are longer than any of this program's.
    public func tags(ofBlob row: Int64) throws -> [UInt8] {
        let sql = """
            SELECT tags FROM blob_tags WHERE position BETWEEN ? AND ? AND length(tags) <= \(TagPage.byteCount)
            ORDER BY position
            """
        let pages = try Data.fetchAll(
            database.cachedStatement(sql: sql),
            arguments: [TagPage.position(blob: row, page: 0), TagPage.position(blob: row, page: 0xFFFF)])
        return pages.flatMap { Array($0) }
    }

    /// The next blobs by row that were not verified yet, at most `limit`.
    public func unverifiedBlobs(after row: Int64, limit: Int) throws -> [BlobRecord] {
        try blobs(after: row, where: "nonce IS NULL", limit: limit)
    }

    /// The blobs behind icons and artifacts that were not verified yet.
    public func unverifiedNamedBlobs() throws -> [BlobRecord] {
        try Row.fetchAll(
            database,
            sql: """
                \(BlobRecord.select) WHERE nonce IS NULL AND id IN (SELECT blob FROM nodes WHERE kind IN (?, ?))
                ORDER BY size
                """, arguments: [NodeKind.artifact.rawValue, NodeKind.icon.rawValue]
        ).compactMap(BlobRecord.init)
    }
}

extension Writing {
    /// Records a blob that was sealed or verified; one that is known gets the new nonce and tags.
    ///
    /// - Returns: the row.
    /// - Throws: `busy` for one that is sealed under a key which the store has no more.
    @discardableResult
    public func record(_ blob: VerifiedBlob) throws -> Int64 {
        if let row = try nodes.insertBlob(blob) {
            try setGeneration(blob.generation, ofBlob: row, isKnown: false)
            try replaceTags(blob.tags, ofBlob: row, isKnown: false)
            return row
        }
        let known = try Row.fetchOne(
            database.cachedStatement(sql: "SELECT id, media_type, size FROM blobs WHERE sha256 = ?"),
            arguments: [blob.id.hex])
        guard let known, let row = known.integer("id") else {
            throw OsnovaError(.inputOutput, "the row of blob \(blob.id) is neither there nor can it be made")
        }
        try update(blob, row: row)
        try setGeneration(blob.generation, ofBlob: row, isKnown: true)
        try replaceTags(blob.tags, ofBlob: row, isKnown: true)
        if known.integer("media_type") != blob.mediaType.rawValue || known.integer("size") != blob.extent.length {
            try nodes.logChanged(.blob(row))
            try renameTypedLinks(to: row)
        }
        return row
    }

    private func update(_ blob: VerifiedBlob, row: Int64) throws {
        try nodes.run(
            """
            UPDATE blobs SET size = ?, encoding = ?, sealed_size = ?, nonce = ?, media_type = ?, verified_at = ?
            WHERE id = ?
            """,
            [
                blob.extent.length, blob.extent.encoding.rawValue, blob.extent.sealedSize, Data(blob.nonce),
                blob.mediaType.rawValue, nodes.now / 1_000_000_000, row,
            ])
    }

    /// Records a file that nobody verified yet.
    public func recordUnverified(_ id: ContentID, _ extent: BlobExtent, created: Int64) throws {
        if try nodes.blobID(of: id) == nil { try nodes.insertBlob(id, extent, created: created) }
    }

    /// Corrects what was implied of a file that nobody verified yet; false where somebody has meanwhile.
    @discardableResult
    public func correctUnverified(_ id: ContentID, _ extent: BlobExtent) throws -> Bool {
        try nodes.run(
            "UPDATE blobs SET size = ?, encoding = ?, sealed_size = ? WHERE sha256 = ? AND nonce IS NULL",
            [extent.length, extent.encoding.rawValue, extent.sealedSize, id.hex])
        guard database.changesCount > 0, let row = try nodes.blobID(of: id) else { return false }
        try nodes.logChanged(.blob(row))
        return true
    }

    /// Notes that a blob was verified as a whole just now.
    public func recordVerification(ofBlob row: Int64) throws {
        try nodes.run("UPDATE blobs SET verified_at = ? WHERE id = ?", [nodes.now / 1_000_000_000, row])
    }

    private func replaceTags(_ tags: [UInt8], ofBlob row: Int64, isKnown: Bool) throws {
        if isKnown {
            try nodes.run(
                "DELETE FROM blob_tags WHERE position BETWEEN ? AND ?",
                [TagPage.position(blob: row, page: 0), TagPage.position(blob: row, page: 0xFFFF)])
        }
        for (page, start) in stride(from: 0, to: tags.count, by: TagPage.byteCount).enumerated() {
            try nodes.run(
                "INSERT INTO blob_tags(position, tags) VALUES (?, ?)",
                [
                    TagPage.position(blob: row, page: page),
                    Data(tags[start..<min(start + TagPage.byteCount, tags.count)]),
                ])
        }
    }

    /// An icon's or artifact's suffix follows its type, which is known now.
    private func renameTypedLinks(to blob: Int64) throws {
        try nodes.run(
            """
            INSERT OR IGNORE INTO dirty_rows(kind, key)
            SELECT CASE holder.kind WHEN ?1 THEN ?2 ELSE ?3 END, holder.key
            FROM nodes AS link JOIN nodes AS holder ON holder.id = link.parent
            WHERE link.blob = ?4 AND link.kind IN (?5, ?6)
            """,
            [
                NodeKind.component.rawValue, RowKind.component.rawValue, RowKind.application.rawValue, blob,
                NodeKind.artifact.rawValue, NodeKind.icon.rawValue,
            ])
    }
}

extension NodeWriter {
    func blobID(of id: ContentID) throws -> Int64? {
        try Int64.fetchOne(
            database.cachedStatement(sql: "SELECT id FROM blobs WHERE sha256 = ?"), arguments: [id.hex])
    }

    @discardableResult
    func insertBlob(_ id: ContentID, _ extent: BlobExtent, created: Int64) throws -> Int64 {
        try run(
            "INSERT INTO blobs(sha256, size, encoding, sealed_size, created_at) VALUES (?, ?, ?, ?, ?)",
            [id.hex, extent.length, extent.encoding.rawValue, extent.sealedSize, created])
        return try tellOfNewBlob(id)
    }

    /// The row of a blob that had none; nil where it has one.
    func insertBlob(_ blob: VerifiedBlob) throws -> Int64? {
        try run(
            """
            INSERT INTO blobs(sha256, size, encoding, sealed_size, created_at, nonce, media_type, verified_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(sha256) DO NOTHING
            """,
            [
                blob.id.hex, blob.extent.length, blob.extent.encoding.rawValue, blob.extent.sealedSize, now,
                Data(blob.nonce), blob.mediaType.rawValue, now / 1_000_000_000,
            ])
        return database.changesCount > 0 ? try tellOfNewBlob(blob.id) : nil
    }

    private func tellOfNewBlob(_ id: ContentID) throws -> Int64 {
        let row = database.lastInsertedRowID
        memory.newBlobs.insert(row)
        try touch(FixedNode.blobs.rawValue)
        try logAdded(Data(id.hex.utf8), in: FixedNode.blobs.rawValue)
        return row
    }
}
