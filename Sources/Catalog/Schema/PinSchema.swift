/// Schema version 8: cache entries that a person wants to keep.
///
/// Frozen. A pin belongs to an address, not to a row: it stays while the entry is fetched anew, or gone for a while. The
/// column is no reference to a blob; the cache entry is one.
enum PinSchema {
    static let version = 8
    static let description = "Pinned cache entries"

    static let sql = """
        CREATE TABLE pinned_cache (
            address TEXT PRIMARY KEY,
            pinned_at INTEGER NOT NULL    -- Unix seconds
        ) WITHOUT ROWID;

        -- Who observes the cache hears of pins too.
        CREATE TRIGGER pinned_cache_counted_added AFTER INSERT ON pinned_cache BEGIN
            UPDATE change_counters SET changes = changes + 1 WHERE listing = 'cache';
        END;
        CREATE TRIGGER pinned_cache_counted_removed AFTER DELETE ON pinned_cache BEGIN
            UPDATE change_counters SET changes = changes + 1 WHERE listing = 'cache';
        END;
        """
}
