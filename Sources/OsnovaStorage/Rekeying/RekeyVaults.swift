internal import Glibc
internal import Keyring
public import Primitives
internal import SystemPackage

/// The vaults of a data root, as a rekey moves them to the new master key: each needs its user's password.
public struct RekeyVaults {
    private let store: Store
    private var passwords: [(file: IdentityFile, password: SecretBytes)] = []

    /// Takes no vault yet.
    public init(store: Store) {
        self.store = store
    }

    /// The users who have a vault, by name.
    public func users() throws -> [UserID] {
        let names = try DirectoryListing.names(in: FilePath("\(store.root.path)/identity"))
        return names.compactMap { try? UserID(String(decoding: $0, as: UTF8.self)) }
            .filter { IdentityFile(root: store.root, user: $0).exists }.sorted { $0.name < $1.name }
    }

    /// The users whose vault was not taken.
    public func untaken() throws -> [UserID] {
        try users().filter { user in !passwords.contains { $0.file.user == user } }
    }

    /// The users whose vault was taken.
    public var taken: [UserID] { passwords.map(\.file.user) }

    /// Takes a user's vault.
    ///
    /// - Throws: `denied` for a wrong password, or the vault of another store.
    public mutating func take(_ user: UserID, password: SecretBytes) throws {
        let file = IdentityFile(root: store.root, user: user)
        try store.acceptKeys(KeyHierarchy(master: file.sealed().open(password: password).master))
        passwords.removeAll { $0.file.user == user }
        passwords.append((file, password))
    }

    /// Seals the taken vaults anew, with another master key and the keys that they hold.
    ///
    /// - Throws: `denied` where a password was changed meanwhile: run the rekey again.
    public func move(to master: SecretBytes) throws {
        for (file, password) in passwords {
            try file.update(old: password, new: password) { vault, save in
                let isMoved = vault.master.withUnsafeBytes { old in
                    master.withUnsafeBytes { Sodium.constantTimeEqual(old, $0) }
                }
                if !isMoved { try save(vault.moved(to: master)) }
            }
        }
    }
}
