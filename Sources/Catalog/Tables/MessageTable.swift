internal import Foundation
internal import GRDB
public import Primitives

/// A row of `messages`: a text, a blob, or both, said by someone in a channel.
public struct Message: Sendable, Equatable, Identifiable {
    /// The number of the row, which no other message ever gets; 0 for one that was not saved yet.
    public var id: Int64
    /// Where it was said.
    public var channel: String
    /// Who said it.
    public var sender: String
    /// Unix seconds.
    public var timestamp: Int64
    /// The text.
    public var body: String?
    /// The blob of the attachment, which must be stored.
    public var attachment: ContentID?

    /// Makes a message that is to be saved.
    public init(
        channel: String, sender: String, body: String? = nil, attachment: ContentID? = nil,
        timestamp: Int64 = Clock.seconds
    ) {
        id = 0
        self.channel = channel
        self.sender = sender
        self.body = body
        self.attachment = attachment
        self.timestamp = timestamp
    }

    init(_ row: Row) {
        id = row.integer("id") ?? 0
        channel = row.text("channel") ?? ""
        sender = row.text("sender") ?? ""
        timestamp = row.integer("timestamp") ?? 0
        body = row.text("body")
        attachment = row.text("attachment_hash").flatMap { ContentID(hex: $0) }
    }

    func check() throws {
        try FieldCheck.identifier(channel, "channel of a message")
        try FieldCheck.identifier(sender, "sender of a message")
        try FieldCheck.text(body, "body of a message")
        try FieldCheck.time(timestamp, "time of a message")
        guard body != nil || attachment != nil else {
            throw OsnovaError(.usage, "a message needs a body or an attachment")
        }
    }
}

/// Which messages a listing has.
public struct MessageFilter: Sendable {
    /// Just those of a channel.
    public var channel: String?
    /// Just those of a sender.
    public var sender: String?
    /// Just those from this Unix second on.
    public var since: Int64?

    /// Makes a filter; what is nil does not filter.
    public init(channel: String? = nil, sender: String? = nil, since: Int64? = nil) {
        self.channel = channel
        self.sender = sender
        self.since = since
    }

    var listing: Listing {
        // One of the indices gives the order; the unary plus keeps SQLite from choosing the other for the condition.
        let senderColumn = channel == nil ? "sender" : "+sender"
        return Listing("messages", order: ["timestamp", "id"], descending: true)
            .with("channel = ?", channel).with("\(senderColumn) = ?", sender).with("timestamp >= ?", since)
    }
}

extension Reading {
    /// The message of a number; nil where there is none.
    public func message(_ id: Int64) throws -> Message? {
        try Row.fetchOne(
            database.cachedStatement(sql: "SELECT * FROM messages WHERE id = ?"), arguments: [id]
        ).map(Message.init)
    }

    /// Messages, the newest first, a page at a time; costs time in proportion to the page.
    ///
    /// - Throws: `usage` for another query's cursor, or a limit outside 1…10,000.
    public func messages(
        _ filter: MessageFilter = MessageFilter(), after cursor: Cursor? = nil, limit: Int = 100
    ) throws -> Page<Message> {
        try filter.listing.page(database, after: cursor, limit: limit, Message.init)
    }
}

extension Writing {
    /// Inserts a message without a number, or changes the one of its number.
    ///
    /// - Returns: the message's number.
    /// - Throws: `usage` for a value that a message cannot have, `notFound` for an attachment that is not stored or a
    ///   number that no message has.
    @discardableResult
    public func save(_ message: Message) throws -> Int64 {
        try message.check()
        if let attachment = message.attachment, try !reading.hasBlob(attachment) {
            throw OsnovaError(.notFound, "the attachment \(attachment) is not stored here: put it first")
        }
        let values: [(any DatabaseValueConvertible)?] = [
            message.channel, message.sender, message.timestamp, message.body, message.attachment?.hex,
        ]
        guard message.id != 0 else {
            let sql = "INSERT INTO messages(channel, sender, timestamp, body, attachment_hash) VALUES (?, ?, ?, ?, ?)"
            try database.cachedStatement(sql: sql).execute(arguments: StatementArguments(values))
            return database.lastInsertedRowID
        }
        let sql =
            "UPDATE messages SET channel = ?, sender = ?, timestamp = ?, body = ?, attachment_hash = ? WHERE id = ?"
        try database.cachedStatement(sql: sql).execute(arguments: StatementArguments(values + [message.id]))
        guard database.changesCount > 0 else {
            throw OsnovaError(.notFound, "there is no message \(message.id)")
        }
        return message.id
    }

    /// Removes a message; false where there is none.
    ///
    /// Its attachment stays until nothing refers to it.
    public func removeMessage(_ id: Int64) throws -> Bool {
        try database.cachedStatement(sql: "DELETE FROM messages WHERE id = ?").execute(arguments: [id])
        return database.changesCount > 0
    }
}
