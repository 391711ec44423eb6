internal import ArgumentParser
internal import Glibc
internal import OsnovaStorage
internal import Primitives
internal import SystemPackage

struct PutCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put",
        abstract: "Seal files, or standard input ('-'), and list them under /files.",
        discussion: """
            Prints a line 'SHA-256  NAME' for each file, which 'sha256sum -c' accepts. Each file is kept under its \
            path, without a leading '/'; the same path again points to the new content. What is printed is on disk.
            """)

    @OptionGroup var store: StoreOptions
    @OptionGroup var unlocking: UnlockingOptions

    @Flag(name: [.customShort("r"), .long], help: "Put directories with all they hold.")
    var recursive = false

    @Flag(
        inversion: .prefixedNo,
        help: "Compress what shrinks by a twentieth or more; without either, as 'osnovafs compression' says.")
    var compress: Bool?

    @Option(name: .customLong("as"), help: ArgumentHelp("The path under /files.", valueName: "path"))
    var target: PathArgument?

    @Argument(help: ArgumentHelp("Files, or '-' for standard input.", valueName: "file"))
    var files: [PathArgument]

    private struct Line: Encodable {
        let name: String
        let sha256: String
        let size: Int64
        let storedSize: Int64
        let alreadyStored: Bool
    }

    /// What a run collects; a class, since closures of the uploader fill it.
    private final class Outcome {
        var lines: [Line] = []
        var firstFailure: Int32?
    }

    func validate() throws {
        guard target == nil || files.count == 1 else { throw ValidationError("--as names one file: give just one.") }
        guard target.map({ !UploadPath(of: $0.path).components.isEmpty }) ?? true else {
            throw ValidationError("--as needs a name below /files.")
        }
        for file in files { try unlocking.password.refuseStandardInput(beside: file) }
    }

    func run() throws {
        let opened = try store.open(unlocking)
        let outcome = Outcome()
        let json = store.json
        let uploader = try Uploader(
            store: opened, recursive: recursive, compressing: compress,
            onStored: { Self.tell($0, json: json, outcome) },
            onFailure: { Self.complain($0, outcome) })
        for file in files {
            if file.isStandardStream {
                try uploader.add(stream: STDIN_FILENO, name: "-", at: target.map { UploadPath(of: $0.path) })
            } else {
                try uploader.add(file.path, at: UploadPath(of: target?.path ?? file.path))
            }
        }
        try uploader.commit()
        try opened.close()
        if json { try Terminal.sayJSON(outcome.lines) }
        if let code = outcome.firstFailure { throw ExitStatus(code: code) }
    }

    private static func tell(_ file: Uploader.Uploaded, json: Bool, _ outcome: Outcome) {
        if json {
            outcome.lines.append(
                Line(
                    name: String(decoding: file.name, as: UTF8.self), sha256: file.result.id.hex,
                    size: file.result.size, storedSize: file.result.storedSize,
                    alreadyStored: file.result.alreadyStored))
        } else {
            Terminal.say(ChecksumLine.bytes(Array(file.result.id.hex.utf8), name: file.name))
        }
    }

    private static func complain(_ error: any Error, _ outcome: Outcome) {
        let failure = error as? OsnovaError ?? OsnovaError(.inputOutput, "\(error)")
        Terminal.complain(failure.message)
        outcome.firstFailure = outcome.firstFailure ?? ExitStatus.code(for: failure.kind)
    }
}
