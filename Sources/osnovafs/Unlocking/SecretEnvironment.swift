internal import Glibc
internal import Primitives
internal import Synchronization
internal import SystemPackage

/// What the environment says of passwords, taken out of it when the program starts, so that no child inherits it.
struct SecretEnvironment: Sendable {
    /// `$OSNOVA_PASSWORD_FILE`.
    private(set) var file: FilePath?
    /// `$OSNOVA_PASSWORD_COMMAND`.
    private(set) var command: String?
    /// `$OSNOVA_PASSWORD`.
    private(set) var password: SecretBytes?
    /// systemd's `$CREDENTIALS_DIRECTORY/osnovafs.password`, where it exists.
    private(set) var credential: FilePath?

    private static let taken = Mutex(SecretEnvironment())

    /// What was taken and is not forgotten yet.
    static var current: SecretEnvironment { taken.withLock { $0 } }

    /// Takes everything out of the environment; to be called before anything else runs.
    static func take() throws {
        let environment = try SecretEnvironment(taking: ())
        taken.withLock { $0 = environment }
    }

    /// Lets the password go, for a process that lives on without it.
    static func forget() {
        taken.withLock { $0 = SecretEnvironment() }
    }

    private init() {}

    private init(taking: ()) throws {
        password = try ProcessSecrecy.takeVariable("OSNOVA_PASSWORD")
        file = Self.variable("OSNOVA_PASSWORD_FILE").map { FilePath(platformString: $0) }
        command = Self.variable("OSNOVA_PASSWORD_COMMAND").map { Arguments.decode($0) }
        let directory = getenv("CREDENTIALS_DIRECTORY").map { FilePath(platformString: $0) }
        // An empty one would be the working directory, which is whoever's.
        credential = directory.flatMap { $0.isEmpty ? nil : $0.appending("osnovafs.password") }.flatMap {
            $0.withPlatformString { access($0, F_OK) } == 0 ? $0 : nil
        }
    }

    private static func variable(_ name: String) -> [CChar]? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        let copy = Array(UnsafeBufferPointer(start: value, count: strlen(value) + 1))
        unsetenv(name)
        return copy
    }
}
