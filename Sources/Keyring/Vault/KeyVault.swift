public import Primitives

/// What a user's `keys.cocoon` holds.
public struct KeyVault: Sendable {
    /// A key pair that was derived for a component.
    public struct DerivedKey: Sendable {
        /// Whose key it is.
        public let componentID: String
        /// Its number among the component's keys.
        public let index: UInt64
        /// What it is for.
        public let type: KeyType
        /// Unix time in seconds.
        public let createdAt: Int64
        /// As its standard has it.
        public let publicKey: [UInt8]
        /// 32 bytes: the seed of Ed25519, the scalar of the others.
        public let secret: SecretBytes
    }

    /// Whose vault it is: a vault that lies in another user's place is not opened.
    public let user: String
    /// Unix time in seconds.
    public let createdAt: Int64
    /// The root of all keys.
    public let master: SecretBytes
    /// The keys that were derived, oldest first.
    public internal(set) var keys: [DerivedKey]

    init(user: String, createdAt: Int64, master: SecretBytes, keys: [DerivedKey]) {
        self.user = user
        self.createdAt = createdAt
        self.master = master
        self.keys = keys
    }

    /// Makes a vault without derived keys.
    public init(user: String, master: SecretBytes) {
        self.init(user: user, createdAt: Clock.seconds, master: master, keys: [])
    }

    /// The same vault under another master key: keys that were derived from the old one stay as they are.
    public func moved(to master: SecretBytes) -> KeyVault {
        KeyVault(user: user, createdAt: createdAt, master: master, keys: keys)
    }

    /// The key of a component by number.
    public func key(of componentID: String, index: UInt64) -> DerivedKey? {
        keys.first { $0.index == index && $0.componentID.utf8.elementsEqual(componentID.utf8) }
    }

    /// Derives a key pair and adds it, unless it is there.
    ///
    /// - Parameters:
    ///   - createdAt: Unix time in seconds.
    /// - Throws: `cannotCreate` where the number belongs to a key of another type; `unavailable` for a type that no
    ///   installed library makes.
    @discardableResult
    public mutating func derive(_ type: KeyType, for componentID: String, index: UInt64, createdAt: Int64) throws
        -> DerivedKey
    {
        if let existing = key(of: componentID, index: index) {
            guard existing.type == type else {
                throw OsnovaError(
                    .cannotCreate, "key \(index) of \(componentID) is there and has type \(existing.type.rawValue)")
            }
            return existing
        }
        let secret = try KeyHierarchy(master: master).componentKey(componentID, index: index)
        return try add(secret, type, for: componentID, index: index, createdAt: createdAt)
    }

    /// Adds a key pair that comes from elsewhere, under a number that is free.
    @discardableResult
    public mutating func add(
        _ secret: SecretBytes, _ type: KeyType, for componentID: String, index: UInt64, createdAt: Int64
    ) throws -> DerivedKey {
        let key = DerivedKey(
            componentID: componentID, index: index, type: type, createdAt: createdAt,
            publicKey: try type.publicKey(of: secret), secret: secret)
        keys.append(key)
        return key
    }
}
