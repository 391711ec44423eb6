internal import ArgumentParser
internal import Glibc
internal import Keyring
internal import Primitives
internal import SystemPackage

struct CocoonCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cocoon", abstract: "Open and make Cocoon containers, of whatever content.",
        discussion: "The format of the Rust crate 'cocoon'. These commands need no data root.",
        subcommands: [Open.self, Seal.self])

    struct Open: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "open",
            abstract: "Write a container's payload to standard output, once all of it was verified.",
            discussion: """
                Ends with 65 for a malformed container, with 77 for a wrong password or a changed one, and with 75 for one \
                that is changed while its payload is written: what was written by then is sound, and not all of it.
                """)

        @OptionGroup var secret: CocoonSecretOptions

        @Option(
            help: ArgumentHelp("The cipher of a Mini container.", valueName: "chacha20poly1305|aes256gcm"),
            transform: CocoonCipher.parse)
        var cipher: CocoonCipher = .chacha20poly1305

        @Flag(help: "Write one JSON document about the verified container instead of its payload.")
        var json = false

        @Argument(help: "The container; '-' for standard input.")
        var file: PathArgument

        private struct Outcome: Encodable {
            let cipher: String
            let payloadSize: Int64
            let trailingSize: Int64
        }

        func validate() throws { try secret.password.refuseStandardInput(beside: file) }

        func run() throws {
            let source = try CocoonInput.source(file)
            let container = try secret.mini ? CocoonContainer(mini: source, cipher: cipher) : CocoonContainer(source)
            let output = try OwnedDescriptor(copying: STDOUT_FILENO)
            try secret.open(container.derivation, name: file.path.string) { key in
                try container.forEachPiece(key: key) { piece in
                    if json { return }
                    try ContentWriter.write(piece, to: output, name: "standard output")
                }
            }
            if json {
                return try Terminal.sayJSON(
                    Outcome(
                        cipher: container.cipher.name, payloadSize: container.payloadLength,
                        trailingSize: container.trailing))
            }
            if container.trailing > 0 {
                Terminal.complain("\(container.trailing) bytes after the container were left alone")
            }
        }
    }

    struct Seal: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "seal", abstract: "Seal a file in a new container.")

        @OptionGroup var secret: CocoonSecretOptions

        @Flag(help: "Write one JSON document to standard output.")
        var json = false

        @Option(
            help: ArgumentHelp("The cipher.", valueName: "chacha20poly1305|aes256gcm"), transform: CocoonCipher.parse)
        var cipher: CocoonCipher = .chacha20poly1305

        @Option(
            help: ArgumentHelp("What a guess of the password costs.", valueName: "strong|weak"),
            transform: CocoonStrength.parse)
        var kdf: CocoonStrength = .strong

        @Option(
            name: [.short, .long],
            help: ArgumentHelp("The container; replaced if it exists. '-' for standard output.", valueName: "file"))
        var output: PathArgument

        @Argument(help: "The payload; '-' for standard input, up to 16 MiB.")
        var file: PathArgument

        private struct Outcome: Encodable {
            let file: String
            let size: Int64
            let payloadSize: Int64
        }

        func validate() throws {
            try output.refuseStandardOutput(beside: json)
            try secret.password.refuseStandardInput(beside: file)
        }

        func run() throws {
            let target = try OutputTarget(output)
            let source = try CocoonInput.source(file)
            let writer =
                try secret.mini
                ? CocoonWriter(mini: source, cipher: cipher) : CocoonWriter(source, cipher: cipher, strength: kdf)
            let key = try secret.newKey(writer.derivation)
            try target.writeAnywhere(permissions: .ownerReadWrite) { file in
                try writer.write(key: key) { try SystemCalls.write(file, $0, at: $1) }
            }
            guard json else { return }
            try Terminal.sayJSON(Outcome(file: output.path.string, size: writer.size, payloadSize: source.count))
        }
    }
}

/// What opens a container.
struct CocoonSecretOptions: ParsableArguments {
    @Flag(help: "A Mini container, which has no header: by --key-file, or by a password and --seed-file.")
    var mini = false

    @Option(help: ArgumentHelp("The key of a Mini container: 32 bytes, or 64 hexadecimal digits.", valueName: "file"))
    var keyFile: PathArgument?

    @Option(help: ArgumentHelp("The seed of a Mini container's password, written alike.", valueName: "file"))
    var seedFile: PathArgument?

    @OptionGroup var password: PasswordOptions

    func validate() throws {
        guard mini || (keyFile == nil && seedFile == nil) else {
            throw ValidationError("--key-file and --seed-file are for --mini.")
        }
        guard !mini || (keyFile == nil) != (seedFile == nil) else {
            throw ValidationError("--mini needs --key-file, or --seed-file and a password.")
        }
    }

    /// Calls `body` with the key; again with another where a person mistyped.
    func open(_ derivation: CocoonDerivation?, name: String, _ body: (SecretBytes) throws -> Void) throws {
        if let keyFile { return try body(CocoonInput.key(keyFile.path)) }
        let derivation = try self.derivation(derivation)
        try password.unlock(
            asking: "Password of \(name)", otherwise: "this needs a password: give --password-file FILE"
        ) { try body(derivation.key(password: $0)) }
    }

    /// The key for a new container.
    func newKey(_ derivation: CocoonDerivation?) throws -> SecretBytes {
        if let keyFile { return try CocoonInput.key(keyFile.path) }
        let derivation = try self.derivation(derivation)
        if let source = password.given { return try derivation.key(password: NewPassword.read(source)) }
        let typed = try NewPassword.ask(
            "Password", otherwise: "this needs a password: give --password-file FILE")
        return try derivation.key(password: typed)
    }

    private func derivation(_ own: CocoonDerivation?) throws -> CocoonDerivation {
        if let own { return own }
        guard let seedFile else { throw OsnovaError(.usage, "a Mini container needs --key-file or --seed-file") }
        let seed = try CocoonInput.key(seedFile.path)
        return try CocoonDerivation(seed: seed.withUnsafeBytes { Array($0) })
    }
}

extension CocoonCipher {
    var name: String {
        switch self {
        case .chacha20poly1305: "chacha20poly1305"
        case .aes256gcm: "aes256gcm"
        }
    }

    static func parse(_ name: String) throws -> CocoonCipher {
        try Choice.of(name, among: allCases, named: \.name)
    }
}

extension CocoonStrength {
    var name: String {
        switch self {
        case .strong: "strong"
        case .weak: "weak"
        }
    }

    static func parse(_ name: String) throws -> CocoonStrength {
        try Choice.of(name, among: allCases, named: \.name)
    }
}
