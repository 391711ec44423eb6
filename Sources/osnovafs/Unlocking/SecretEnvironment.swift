internal import Glibc
internal import Primitives
internal import SystemPackage

/// What the environment says of passwords, taken out of it when the program starts, so that no child inherits it.
struct SecretEnvironment: Sendable {
    /// `$OSNOVA_PASSWORD_FILE`.
    let file: FilePath?
    /// `$OSNOVA_PASSWORD_COMMAND`.
    let command: String?
    /// `$OSNOVA_PASSWORD`.
    let password: SecretBytes?
    /// systemd's `$CREDENTIALS_DIRECTORY/osnovafs.password`, where it exists.
    let credential: FilePath?

    private static let taken = Result { try SecretEnvironment() }

    /// What was taken; the first call must come before anything else runs.
    static var current: SecretEnvironment {
        get throws { try taken.get() }
    }

    private init() throws {
        password = try ProcessSecrecy.takeVariable("OSNOVA_PASSWORD")
        file = Self.take("OSNOVA_PASSWORD_FILE").map { FilePath(platformString: $0) }
        command = Self.take("OSNOVA_PASSWORD_COMMAND").map { Arguments.decode($0) }
        let directory = getenv("CREDENTIALS_DIRECTORY").map { FilePath(platformString: $0) }
        credential = directory.map { $0.appending("osnovafs.password") }.flatMap {
            $0.withPlatformString { access($0, F_OK) } == 0 ? $0 : nil
        }
    }

    private static func take(_ name: String) -> [CChar]? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        let copy = Array(UnsafeBufferPointer(start: value, count: strlen(value) + 1))
        unsetenv(name)
        return copy
    }
}
