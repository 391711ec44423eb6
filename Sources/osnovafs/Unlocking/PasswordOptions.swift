internal import ArgumentParser
internal import Glibc
internal import Primitives

/// Where a password comes from; of several the first in the order of this list, then the environment, then a person.
struct PasswordOptions: ParsableArguments {
    /// How often a person may try.
    private static let tries = 3

    @Option(help: ArgumentHelp("A file that holds the password.", valueName: "file"))
    var passwordFile: PathArgument?

    @Option(help: ArgumentHelp("A shell command that prints the password.", valueName: "command"))
    var passwordCommand: String?

    @Option(help: ArgumentHelp("An open descriptor to read the password from.", valueName: "n"))
    var passwordFd: Int32?

    @Option(help: ArgumentHelp("How long a password command may take.", valueName: "seconds"))
    var passwordTimeout: Int32 = 30

    func validate() throws {
        guard (1...86_400).contains(passwordTimeout) else {
            throw ValidationError("--password-timeout is between 1 and 86400 seconds.")
        }
    }

    /// - Throws: a usage error where password and content would both come from standard input.
    func refuseStandardInput(beside file: PathArgument) throws {
        guard passwordFd == STDIN_FILENO, file.isStandardStream else { return }
        throw ValidationError("--password-fd 0 and '-' are both for standard input: give --password-file FILE.")
    }

    /// The source that an option, the environment or systemd gives; nil where only a person could tell.
    var given: PasswordSource? {
        if let passwordFile { return .file(passwordFile.path) }
        if let passwordCommand { return .command(passwordCommand, patience: passwordTimeout) }
        if let passwordFd { return .descriptor(passwordFd) }
        let environment = SecretEnvironment.current
        if let file = environment.file { return .file(file) }
        if let command = environment.command { return .command(command, patience: passwordTimeout) }
        if let password = environment.password { return .environment(password) }
        return environment.credential.map { .file($0) }
    }

    /// Calls `attempt` with the password: once with one that is given, up to three times with what a person types.
    ///
    /// - Parameters:
    ///   - question: what a person is asked.
    ///   - otherwise: what is said where there is neither a password nor a terminal.
    ///   - attempt: throws `denied` for a wrong password.
    func unlock<Result>(
        asking question: String, otherwise: String, _ attempt: (SecretBytes) throws -> Result
    ) throws -> Result {
        if let source = given {
            let (password, warning) = try source.read()
            let result = try attempt(password)
            if let warning { Terminal.complain("warning: \(warning)") }
            return result
        }
        guard let terminal = TerminalPrompt.find() else { throw OsnovaError(.denied, otherwise) }
        for _ in 1..<Self.tries {
            let password = try terminal.ask(question)
            do {
                return try attempt(password)
            } catch let error as OsnovaError where error.kind == .denied {
                Terminal.complain("\(error.message); try again")
            }
        }
        return try attempt(terminal.ask(question))
    }
}
