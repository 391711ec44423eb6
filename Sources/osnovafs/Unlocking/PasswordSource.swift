internal import Glibc
internal import Primitives
internal import SystemPackage

/// A place that a password may come from without a person.
enum PasswordSource {
    case file(FilePath)
    case command(String, patience: Int32)
    case descriptor(Int32)
    case environment(SecretBytes)

    /// The password, and what is to be said once it has proved right.
    func read() throws -> (password: SecretBytes, warning: String?) {
        switch self {
        case .file(let path): try Self.read(path)
        case .command(let line, let patience): (try PasswordCommand(line: line, patience: patience).run(), nil)
        case .descriptor(let number): (try Self.read(number), nil)
        case .environment(let password): (password, nil)
        }
    }

    private static func read(_ path: FilePath) throws -> (SecretBytes, String?) {
        let name = "the password file \(path.string)"
        do {
            let file = OwnedDescriptor(try FileDescriptor.open(path, .readOnly, options: .closeOnExec))
            let mode = try SystemCalls.status(of: file).mode
            let isOpen = mode & S_IFMT == S_IFREG && mode & 0o044 != 0
            let warning = isOpen ? "\(name) can be read by other users: chmod 600 it" : nil
            return (try SecretText.read(file, name: name), warning)
        } catch let error as Errno {
            throw error.failure("reading \(name)")
        }
    }

    private static func read(_ number: Int32) throws -> SecretBytes {
        guard number >= 0, fcntl(number, F_GETFD) >= 0 else {
            throw OsnovaError(.notFound, "--password-fd \(number): this descriptor is not open")
        }
        let name = "descriptor \(number)"
        // Children must not get what was opened for the password alone; the standard streams have other readers.
        guard number <= STDERR_FILENO else {
            return try SecretText.read(OwnedDescriptor(FileDescriptor(rawValue: number)), name: name)
        }
        do {
            return try SecretText.read(OwnedDescriptor(copying: number), name: name)
        } catch let error as Errno {
            throw error.failure("reading \(name)")
        }
    }
}
