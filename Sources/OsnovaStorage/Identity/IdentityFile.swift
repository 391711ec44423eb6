internal import Glibc
public import Keyring
public import Primitives
internal import SystemPackage

/// A user's `identity/<user-id>/keys.cocoon`: the vault, sealed under a password.
public struct IdentityFile: Sendable {
    /// The name of the file.
    static let name = "keys.cocoon"
    /// More than any vault needs; what is larger is not read.
    private static let largest: Int64 = 16 << 20

    /// Whose it is.
    public let user: UserID
    let root: DataRoot

    /// Names a user's file, which need not exist.
    public init(root: DataRoot, user: UserID) {
        self.root = root
        self.user = user
    }

    /// The directory that holds the file.
    var directory: String { "\(root.path)/identity/\(user.name)" }
    /// Where the file lies.
    public var path: String { "\(directory)/\(Self.name)" }
    /// Whether it is there.
    public var exists: Bool { access(path, F_OK) == 0 }

    /// Reads the file and checks everything that needs no password.
    ///
    /// - Throws: `notFound` where there is none, `damaged` for what is no container or has bytes behind it.
    public func sealed() throws -> SealedVault {
        do {
            // Non-blocking: a FIFO in its place would wait for a writer.
            let file = try SystemCalls.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
            let status = try SystemCalls.status(of: file)
            guard status.type == S_IFREG else { throw OsnovaError.damaged("\(path) is no regular file") }
            guard status.size <= Self.largest else { throw OsnovaError.damaged("\(path) is too large for a vault") }
            var bytes = [UInt8](repeating: 0, count: Int(status.size))
            let count = try bytes.withUnsafeMutableBytes { try SystemCalls.read(file, into: $0, at: 0) }
            return try SealedVault(bytes: Array(bytes.prefix(count)), user: user, path: path)
        } catch Errno.tooManySymbolicLinkLevels {
            throw OsnovaError.damaged("\(path) is a link: put the file itself there")
        } catch Errno.noSuchFileOrDirectory {
            throw OsnovaError(
                .notFound,
                "user \(user.name) has no password here (\(path) is missing): make one with 'osnovafs password reset'")
        } catch let error as Errno {
            throw error.failure("reading \(path)")
        }
    }
}

/// A vault that waits for its password.
public struct SealedVault: Sendable {
    private let bytes: [UInt8]
    private let user: UserID
    private let path: String

    init(bytes: [UInt8], user: UserID, path: String) throws {
        self.bytes = bytes
        self.user = user
        self.path = path
        _ = try container()
    }

    /// Opens the vault.
    ///
    /// - Throws: `denied` for a wrong password, a changed file or another user's vault; `damaged` for a payload that is
    ///   no vault.
    public func open(password: SecretBytes) throws -> KeyVault {
        let container = try container()
        guard let derivation = container.derivation else { throw OsnovaError.damaged("\(path) names no derivation") }
        let key = try derivation.key(password: password)
        let payload: SecretBytes
        do {
            payload = try container.payload(key: key)
        } catch let error as OsnovaError where error.kind == .denied {
            throw OsnovaError(.denied, "the password is wrong, or \(path) was changed")
        }
        let vault = try KeyVault(decoding: payload)
        guard vault.user.utf8.elementsEqual(user.name.utf8) else {
            throw OsnovaError(.denied, "\(path) is the vault of another user: nothing was opened")
        }
        return vault
    }

    private func container() throws -> CocoonContainer {
        do {
            let container = try CocoonContainer(CocoonSource(bytes))
            guard container.trailing == 0 else { throw OsnovaError.damaged("bytes follow the container") }
            return container
        } catch let error as OsnovaError {
            throw OsnovaError(error.kind, "\(path): \(error.message)")
        }
    }
}
