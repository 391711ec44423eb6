internal import ArgumentParser
internal import Primitives

/// Where a new password comes from.
struct NewPasswordOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A file that holds the new password.", valueName: "file"))
    var newPasswordFile: PathArgument?

    @Option(help: ArgumentHelp("A shell command that prints the new password.", valueName: "command"))
    var newPasswordCommand: String?

    @Option(help: ArgumentHelp("An open descriptor to read the new password from.", valueName: "n"))
    var newPasswordFd: Int32?

    /// The new password; a person types it twice.
    func password(patience: Int32) throws -> SecretBytes {
        if let newPasswordFile { return try NewPassword.read(.file(newPasswordFile.path)) }
        if let newPasswordCommand { return try NewPassword.read(.command(newPasswordCommand, patience: patience)) }
        if let newPasswordFd { return try NewPassword.read(.descriptor(newPasswordFd)) }
        return try NewPassword.ask(
            "New password", otherwise: "this needs a new password: give --new-password-file FILE")
    }
}

/// A password that is about to seal something.
enum NewPassword {
    /// A new password from a source that needs no person.
    static func read(_ source: PasswordSource) throws -> SecretBytes {
        let (password, warning) = try source.read()
        guard password.count > 0 else { throw OsnovaError(.usage, "the new password is empty: choose another") }
        if let warning { Terminal.complain("warning: \(warning)") }
        return password
    }

    /// Asks a person twice.
    ///
    /// - Parameter otherwise: what is said where there is no terminal.
    static func ask(_ question: String, otherwise: String) throws -> SecretBytes {
        guard let terminal = TerminalPrompt.find() else { throw OsnovaError(.denied, otherwise) }
        let first = try terminal.ask(question)
        guard first.count > 0 else { throw OsnovaError(.usage, "the new password is empty: nothing was changed") }
        let second = try terminal.ask("\(question) once more")
        let isSame = first.withUnsafeBytes { left in
            second.withUnsafeBytes { Sodium.constantTimeEqual(left, $0) }
        }
        guard isSame else { throw OsnovaError(.usage, "the two passwords differ: nothing was changed") }
        return first
    }
}
