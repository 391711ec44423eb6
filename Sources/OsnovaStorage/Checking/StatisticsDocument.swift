internal import Foundation

/// What `stats --json` says, and the file of the mount that says the same.
extension StoreStatistics: Encodable {
    private enum Keys: String, CodingKey {
        case blobs, components, applications, cache, databaseBytes, verification
        case count, plainBytes, storedBytes, entries, bytes, pinned
    }

    /// Encodes the counts of blobs and of the cache as objects of their own; leaves out what there is nothing to tell of.
    public func encode(to encoder: any Encoder) throws {
        var document = encoder.container(keyedBy: Keys.self)
        var blobs = document.nestedContainer(keyedBy: Keys.self, forKey: .blobs)
        try blobs.encode(blobCount, forKey: .count)
        try blobs.encode(plainBytes, forKey: .plainBytes)
        try blobs.encode(storedBytes, forKey: .storedBytes)
        try document.encode(components, forKey: .components)
        try document.encode(applications, forKey: .applications)
        var cache = document.nestedContainer(keyedBy: Keys.self, forKey: .cache)
        try cache.encode(cacheEntries, forKey: .entries)
        try cache.encode(cacheBytes, forKey: .bytes)
        if pinnedEntries > 0 { try cache.encode(pinnedEntries, forKey: .pinned) }
        try document.encode(databaseBytes, forKey: .databaseBytes)
        try document.encodeIfPresent(verification, forKey: .verification)
    }

    /// The document as the bytes of a file: snake_case keys, sorted.
    func file() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return try Array(encoder.encode(self)) + [UInt8(ascii: "\n")]
    }
}
