public import Catalog
public import Keyring
public import Primitives

/// Derived key pairs: the secret half in a user's vault, the public half in the database, both in one step.
extension Store {
    /// Derives a component's key pair, unless it is there.
    ///
    /// - Parameters:
    ///   - type: what it is for.
    ///   - componentID: whose it is.
    ///   - index: its number; the next free one without it.
    ///   - identity: whose vault keeps the secret half.
    ///   - password: opens the vault and seals it again.
    /// - Throws: `cannotCreate` where the number is another key's; `unavailable` for a type that nothing makes; `busy` while
    ///   the store is being restored; what opening the vault throws. Then nothing was changed.
    public func deriveKey(
        _ type: KeyType, for componentID: String, index: Int64?, identity: IdentityFile, password: SecretBytes
    ) throws -> KeyMetadata {
        guard !componentID.isEmpty else { throw OsnovaError(.usage, "a component id is empty: name the component") }
        var result: KeyMetadata?
        // The vault and the row must be of one store.
        let rootLock = try lockAgainstRestoration()
        try withExtendedLifetime(rootLock) {
            try identity.update(old: password, new: password) { vault, save in
                result = try derive(type, for: componentID, index: index, in: vault, save)
            }
        }
        guard let result else { throw OsnovaError(.inputOutput, "the key was not derived") }
        return result
    }

    private func derive(
        _ type: KeyType, for componentID: String, index: Int64?, in vault: KeyVault, _ save: (KeyVault) throws -> Void
    ) throws -> KeyMetadata {
        try acceptKeys(KeyHierarchy(master: vault.master))
        var vault = vault
        // The row waits for the vault, and both for the commit: what fails undoes the other.
        return try catalog.write { writing in
            // A rekey may have ended since the vault was opened.
            let keys = try KeyHierarchy(master: vault.master)
            guard try writing.reading.keyGenerations().generation(of: keys.fingerprint) != nil else {
                throw KeyRing.missed
            }
            let number = try index ?? freeIndex(of: componentID, in: vault, writing.reading)
            guard let unsigned = UInt64(exactly: number) else {
                throw OsnovaError(.usage, "a key's number is not negative")
            }
            let known = vault.key(of: componentID, index: unsigned) != nil
            try restoreCarriedKey(type, of: componentID, index: number, keys, writing.reading, into: &vault)
            let key = try vault.derive(type, for: componentID, index: unsigned, createdAt: Clock.seconds)
            let record = try record(key, writing)
            if !known { try save(vault) }
            return record
        }
    }

    /// Puts a listed key into a vault that lacks it, where it comes from a master key that the store had before.
    private func restoreCarriedKey(
        _ type: KeyType, of componentID: String, index: Int64, _ keys: KeyHierarchy, _ reading: Reading,
        into vault: inout KeyVault
    ) throws {
        guard let number = UInt64(exactly: index), vault.key(of: componentID, index: number) == nil,
            let row = try reading.key(of: componentID, index: index), row.type.rawValue == type.rawValue,
            let secret = try reading.carriedSecret(of: row, keys: keys)
        else { return }
        try vault.add(secret, type, for: componentID, index: number, createdAt: row.createdAt)
    }

    /// Makes a vault from the master key, with every key pair that the database lists and that the master key makes or
    /// has kept through a rekey.
    ///
    /// - Returns: the vault, and how many listed keys are of another origin.
    public func recoveredVault(user: UserID, keys: KeyHierarchy) throws -> (vault: KeyVault, foreign: Int) {
        try acceptKeys(keys)
        var vault = KeyVault(user: user.name, master: keys.master)
        var foreign = 0
        for (row, kept) in try catalog.read({ reading in
            try reading.everyKey().map { ($0, try reading.carriedSecret(of: $0, keys: keys)) }
        }) {
            var attempt = vault
            guard let type = KeyType(rawValue: row.type.rawValue), let index = UInt64(exactly: row.derivationIndex),
                let key = try? kept.map({
                    try attempt.add($0, type, for: row.componentID, index: index, createdAt: row.createdAt)
                }) ?? attempt.derive(type, for: row.componentID, index: index, createdAt: row.createdAt),
                Hexadecimal.string(key.publicKey) == row.publicKey
            else {
                foreign += 1
                continue
            }
            vault = attempt
        }
        return (vault, foreign)
    }

    /// Records a key pair where it is not recorded yet.
    private func record(_ key: KeyVault.DerivedKey, _ writing: Writing) throws -> KeyMetadata {
        guard let index = Int64(exactly: key.index), let type = KeyMetadata.KeyType(rawValue: key.type.rawValue) else {
            throw OsnovaError(.usage, "a key's number is at most 2^63 - 1")
        }
        let record = KeyMetadata(
            componentID: key.componentID, derivationIndex: index, publicKey: Hexadecimal.string(key.publicKey),
            type: type, createdAt: key.createdAt)
        guard let row = try writing.reading.key(of: key.componentID, index: index) else {
            try writing.save(record)
            return record
        }
        guard row.publicKey == record.publicKey, row.type == record.type else {
            throw OsnovaError(
                .cannotCreate,
                "key \(index) of \(record.componentID) is there with another public key, of type \(row.type.rawValue)")
        }
        return row
    }

    private func freeIndex(of componentID: String, in vault: KeyVault, _ reading: Reading) throws -> Int64 {
        let held = vault.keys.filter { $0.componentID.utf8.elementsEqual(componentID.utf8) }.map {
            Int64(clamping: $0.index)
        }.max()
        guard held ?? 0 < Int64.max else {
            throw OsnovaError(.cannotCreate, "\(componentID) has no free key number")
        }
        return max(try reading.nextKeyIndex(of: componentID), held.map { $0 + 1 } ?? 0)
    }
}
