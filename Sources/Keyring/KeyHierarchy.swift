public import Primitives

/// Every key of a data root, derived from its recovery phrase by HKDF-SHA256 (RFC 5869), 32 bytes each.
public struct KeyHierarchy: Sendable {
    /// Bytes in a key.
    public static let keySize = 32

    /// The root of all other keys.
    public let master: SecretBytes
    /// Encrypts fields of the database (the seed's `db_encryption_key`).
    public let databaseKey: SecretBytes
    /// Encrypts and authenticates blobs (the seed's `blob_encryption_key`).
    public let blobKey: SecretBytes
    /// The root of the chunk tags' keys; ours, unknown to the seed.
    public let tagKey: SecretBytes
    /// Tells one master key from another and reveals nothing else: what a data root keeps in the clear; 32 bytes.
    public let fingerprint: [UInt8]

    /// Derives the keys of a phrase.
    public init(phrase: RecoveryPhrase) throws {
        try self.init(master: HKDF.derive(from: phrase.bytes, count: Self.keySize))
    }

    /// Derives the keys below a master key.
    ///
    /// - Throws: `damaged` unless it has 32 bytes.
    public init(master: SecretBytes) throws {
        guard master.count == Self.keySize else {
            throw OsnovaError(.damaged, "a master key has 32 bytes, not \(master.count)")
        }
        self.master = master
        databaseKey = try Self.derive(from: master, salt: "osnova-db-encryption")
        blobKey = try Self.derive(from: master, salt: "osnova-blob-encryption")
        tagKey = try Self.derive(from: master, salt: "osnova-blob-tags")
        let derived = try Self.derive(from: master, salt: "osnova-key-fingerprint")
        fingerprint = derived.withUnsafeBytes { Array($0) }
    }

    /// The key that a component asks for by number.
    ///
    /// - Parameter componentID: its UTF-8 as given counts: what differs in Unicode normalisation has another key.
    public func componentKey(_ componentID: String, index: UInt64) throws -> SecretBytes {
        try componentKey(Array(componentID.utf8), index: index)
    }

    /// The key that a component asks for by number, the id being any bytes.
    public func componentKey(_ componentID: [UInt8], index: UInt64) throws -> SecretBytes {
        let number = withUnsafeBytes(of: index.littleEndian) { Array($0) }
        return try HKDF.derive(
            from: master, salt: componentID, info: Array("osnova-v1-key-derivation".utf8) + number,
            count: Self.keySize)
    }

    private static func derive(from master: SecretBytes, salt: String) throws -> SecretBytes {
        try HKDF.derive(from: master, salt: Array(salt.utf8), info: Array("v1".utf8), count: keySize)
    }
}
