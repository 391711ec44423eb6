/// Schema version 7: blobs whose content was compressed before it was sealed.
///
/// Frozen. Whether new content is compressed is the row `compression` of `store`; no row means that it is not.
enum CompressionSchema {
    static let version = 7
    static let description = "Compressed blobs"

    static let sql = """
        -- What was sealed: 0 the content itself, 1 its stream in zstd's seekable format.
        ALTER TABLE blobs ADD COLUMN encoding INTEGER NOT NULL DEFAULT 0;
        -- Bytes of that stream; NULL where the content itself was sealed.
        ALTER TABLE blobs ADD COLUMN sealed_size INTEGER CHECK(sealed_size >= 0);
        """
}
