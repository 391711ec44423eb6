internal import Glibc
public import Keyring
public import Primitives
internal import SystemPackage

extension IdentityFile {
    private static let temporaryPrefix = ".\(name)-"

    /// Changes the vault while no other process does.
    ///
    /// - Parameters:
    ///   - old: opens the vault that is there.
    ///   - new: seals the changed one.
    ///   - body: gets the vault, and a function that puts another in its place.
    public func update(
        old: SecretBytes, new: SecretBytes, _ body: (KeyVault, _ save: (KeyVault) throws -> Void) throws -> Void
    ) throws {
        try locked { directory in
            try body(sealed().open(password: old)) { try write($0, password: new, in: directory) }
        }
    }

    /// Writes a vault where there is none, or beside the one that is there, which nobody can open and which is kept
    /// under another name: it may hold what this program does not know.
    ///
    /// - Parameter replacing: whether one may be there.
    /// - Returns: the name of the one that was replaced.
    /// - Throws: `cannotCreate` where there is one that must not be.
    @discardableResult
    public func save(_ vault: KeyVault, password: SecretBytes, replacing: Bool) throws -> String? {
        try locked { directory in
            guard exists else {
                try write(vault, password: password, in: directory)
                return nil
            }
            guard replacing else {
                throw OsnovaError(.cannotCreate, "\(path) is there already: nothing was changed")
            }
            let kept = "\(Self.name).replaced-\(Clock.nanoseconds)"
            try doing("keeping \(path)") { try SystemCalls.link(at: directory, Self.name, as: kept) }
            try write(vault, password: password, in: directory)
            return kept
        }
    }

    /// Seals a vault under a name of its own, reads it back from the disk, and only then gives it its name: at every
    /// moment there is a whole file that the old or the new password opens.
    ///
    /// - Parameter step: called between the system calls; tests look at the directory there.
    func write(
        _ vault: KeyVault, password: SecretBytes, in directory: OwnedDescriptor, step: () throws -> Void = {}
    ) throws {
        let payload = try vault.encoded()
        let writer = try CocoonWriter(CocoonSource(payload))
        guard let key = try writer.derivation?.key(password: password) else {
            throw OsnovaError(.usage, "a vault is sealed in a full container")
        }
        try doing("writing \(path)") {
            try removeTemporaries(in: directory)
            let temporary = Self.temporaryPrefix + Hexadecimal.string(try randomBytes(8))
            do {
                try store(writer.bytes(key: key), as: temporary, in: directory, step)
                try check(temporary, in: directory, holds: payload, key: key)
                try step()
                try SystemCalls.rename(at: directory, temporary, to: Self.name)
                try step()
            } catch {
                try? SystemCalls.remove(at: directory, temporary)
                throw error
            }
            try SystemCalls.synchronize(directory)
            try step()
        }
    }

    private func store(
        _ bytes: [UInt8], as name: String, in directory: OwnedDescriptor, _ step: () throws -> Void
    ) throws {
        let file = try SystemCalls.open(at: directory, name, O_WRONLY | O_CREAT | O_EXCL)
        try step()
        let half = bytes.count / 2
        for piece in [bytes[..<half], bytes[half...]] {
            try piece.withUnsafeBytes { try SystemCalls.write(file, $0) }
            try step()
        }
        try SystemCalls.synchronize(file)
        try step()
    }

    private func check(_ name: String, in directory: OwnedDescriptor, holds payload: SecretBytes, key: SecretBytes)
        throws
    {
        let file = try SystemCalls.open(at: directory, name, O_RDONLY | O_NOFOLLOW)
        let stored = try CocoonContainer(CocoonSource(file)).payload(key: key)
        let isSame = stored.withUnsafeBytes { left in
            payload.withUnsafeBytes { Sodium.constantTimeEqual(left, $0) }
        }
        guard isSame else {
            throw OsnovaError(
                .inputOutput, "\(path) was not written as it should be: the old one stays; check the disk")
        }
    }

    // MARK: The directory

    /// Runs `body` with the user's directory, made if it is missing, while no other process changes it and no restoration
    /// replaces the data root.
    func locked<Result>(_ body: (OwnedDescriptor) throws -> Result) throws -> Result {
        let rootLock = try RootLock.shared(root)
        let directory = try doing("making \(directory)") {
            let identity = try SystemCalls.open("\(root.path)/identity", O_RDONLY | O_DIRECTORY)
            try SystemCalls.makeDirectory(at: identity, user.name)
            try SystemCalls.synchronize(identity)
            guard try SystemCalls.status(at: identity, user.name).type == S_IFDIR else {
                throw OsnovaError(.cannotCreate, "\(self.directory) is no directory: nothing is written through a link")
            }
            let directory = try SystemCalls.open(at: identity, user.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            try SystemCalls.lock(directory)
            return directory
        }
        return try withExtendedLifetime((rootLock, directory)) { try body(directory) }
    }

    /// What a crash left behind; the lock says that nobody is writing it.
    private func removeTemporaries(in directory: OwnedDescriptor) throws {
        for name in try DirectoryListing.names(in: FilePath(self.directory)).map({ String(decoding: $0, as: UTF8.self) }
        )
        where name.hasPrefix(Self.temporaryPrefix) {
            try? SystemCalls.remove(at: directory, name)
        }
    }

    private func randomBytes(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        try bytes.withUnsafeMutableBytes { try Sodium.randomize($0) }
        return bytes
    }

    private func doing<Result>(_ what: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as Errno {
            throw error.failure(what, kind: .cannotCreate)
        }
    }
}
