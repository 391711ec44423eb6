internal import GRDB

/// The full-text index of messages, brought up to the rows that the triggers noted.
struct MessageIndex {
    let database: Database

    /// Indexes every message, where nothing is indexed yet.
    func indexEverything() throws {
        try database.execute(
            sql: """
                INSERT INTO message_search(rowid, body, channel, sender) SELECT id, body, channel, sender FROM messages;
                DELETE FROM message_changes;
                """)
    }

    /// Looks at the noted messages, oldest first.
    func settle(atMost limit: Int) throws {
        let noted = try Int64.fetchAll(
            database.cachedStatement(sql: "SELECT id FROM message_changes ORDER BY id LIMIT ?"), arguments: [limit])
        guard !noted.isEmpty else { return }
        let forget = try database.cachedStatement(sql: "DELETE FROM message_changes WHERE id = ?")
        let remove = try database.cachedStatement(sql: "DELETE FROM message_search WHERE rowid = ?")
        let insert = try database.cachedStatement(
            sql: """
                INSERT INTO message_search(rowid, body, channel, sender)
                SELECT id, body, channel, sender FROM messages WHERE id = ?
                """)
        for id in noted {
            try remove.execute(arguments: [id])
            try insert.execute(arguments: [id])
            try forget.execute(arguments: [id])
        }
    }
}
