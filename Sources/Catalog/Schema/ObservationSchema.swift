/// Schema version 9: changes that nobody heard of.
///
/// Frozen. A message that gets another `rowid` by one of that column's other names did not reach the full-text index, since
/// `UPDATE OF id` means the one name alone; keys of further types were not counted for those who observe keys.
enum ObservationSchema {
    static let version = 9
    static let description = "Messages of another number, observed keys of further types"

    static let sql = """
        DROP TRIGGER IF EXISTS messages_indexed_changed;
        CREATE TRIGGER messages_indexed_changed AFTER UPDATE ON messages
        WHEN OLD.id IS NOT NEW.id OR OLD.body IS NOT NEW.body OR OLD.channel IS NOT NEW.channel
            OR OLD.sender IS NOT NEW.sender
        BEGIN
            INSERT INTO message_changes(id) SELECT OLD.id WHERE NOT EXISTS (
                SELECT 1 FROM message_changes WHERE id = OLD.id);
            INSERT INTO message_changes(id) SELECT NEW.id WHERE NOT EXISTS (
                SELECT 1 FROM message_changes WHERE id = NEW.id);
        END;

        CREATE TRIGGER further_keys_metadata_counted_added AFTER INSERT ON further_keys_metadata BEGIN
            UPDATE change_counters SET changes = changes + 1 WHERE listing = 'keys';
        END;
        CREATE TRIGGER further_keys_metadata_counted_changed AFTER UPDATE ON further_keys_metadata BEGIN
            UPDATE change_counters SET changes = changes + 1 WHERE listing = 'keys';
        END;
        CREATE TRIGGER further_keys_metadata_counted_removed AFTER DELETE ON further_keys_metadata BEGIN
            UPDATE change_counters SET changes = changes + 1 WHERE listing = 'keys';
        END;
        """
}
