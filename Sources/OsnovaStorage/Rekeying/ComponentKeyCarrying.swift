internal import Catalog
internal import Keyring
internal import Primitives

/// Keeps component keys that the database lists and that a master key which goes has made.
///
/// A component's key is its own for good: others know its public half. So its secret half is sealed under the master
/// key that comes, and whoever has that finds it again.
struct ComponentKeyCarrying {
    let keys: RekeyKeys

    /// Sees to it that each listed key which either master key makes, or has kept, is had by the target.
    ///
    /// - Returns: how many listed keys the target does not make itself.
    func run(_ writing: Writing) throws -> Int {
        var carried = 0
        for row in try writing.reading.everyKey() {
            guard let type = KeyType(rawValue: row.type.rawValue), let index = UInt64(exactly: row.derivationIndex),
                try !makes(row, type, index, keys.target.keys)
            else { continue }
            if try secret(of: row, keys.target, writing.reading) != nil {
                carried += 1
                continue
            }
            let kept = try secret(of: row, keys.source, writing.reading)
            guard let secret = try kept ?? made(row, type, index, keys.source.keys) else { continue }
            try save(secret, of: row, writing)
            carried += 1
        }
        return carried
    }

    private func makes(_ row: KeyMetadata, _ type: KeyType, _ index: UInt64, _ keys: KeyHierarchy) throws -> Bool {
        try made(row, type, index, keys) != nil
    }

    /// The secret that a master key makes, if it is the one of the listed public half.
    private func made(_ row: KeyMetadata, _ type: KeyType, _ index: UInt64, _ keys: KeyHierarchy) throws -> SecretBytes?
    {
        let secret = try keys.componentKey(row.componentID, index: index)
        // A type that no library makes has no listed key that could be lost by a rekey.
        guard let publicKey = try? type.publicKey(of: secret) else { return nil }
        return Hexadecimal.string(publicKey) == row.publicKey ? secret : nil
    }

    private func secret(
        of row: KeyMetadata, _ holder: (generation: Int64, keys: KeyHierarchy), _ reading: Reading
    ) throws -> SecretBytes? {
        try reading.carriedSecret(of: row, generation: holder.generation, keys: holder.keys)
    }

    private func save(_ secret: SecretBytes, of row: KeyMetadata, _ writing: Writing) throws {
        let sealed = try WrappingKey(.carriedKeys, of: keys.target.keys).seal(secret, context: row.carryingContext)
        try writing.saveCarriedKey(
            of: row.componentID, index: row.derivationIndex, generation: keys.target.generation, secret: sealed)
    }
}

extension KeyMetadata {
    /// What a kept secret belongs to.
    fileprivate var carryingContext: [UInt8] {
        withUnsafeBytes(of: UInt64(bitPattern: derivationIndex).littleEndian) { Array($0) } + Array(componentID.utf8)
    }
}

extension Reading {
    /// The secret half of a listed key that the store's key of now does not make; nil where none is kept.
    func carriedSecret(of row: KeyMetadata, generation: Int64, keys: KeyHierarchy) throws -> SecretBytes? {
        try carriedKey(of: row.componentID, index: row.derivationIndex, generation: generation).map {
            try WrappingKey(.carriedKeys, of: keys).open($0, context: row.carryingContext)
        }
    }

    /// The secret half of a listed key, as whoever has a key of the store finds it; nil where none is kept.
    func carriedSecret(of row: KeyMetadata, keys: KeyHierarchy) throws -> SecretBytes? {
        guard let generation = try keyGenerations().generation(of: keys.fingerprint) else { return nil }
        return try carriedSecret(of: row, generation: generation, keys: keys)
    }

    /// Every listed key.
    func everyKey() throws -> [KeyMetadata] {
        var keys: [KeyMetadata] = []
        var cursor: Cursor?
        repeat {
            let page = try self.keys(after: cursor, limit: 1000)
            keys += page.rows
            cursor = page.next
        } while cursor != nil
        return keys
    }
}
