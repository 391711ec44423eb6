internal import ArgumentParser
internal import OsnovaStorage
internal import Primitives
internal import SystemPackage

struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Make the data root what it was when a backup was made.",
        discussion: """
            Needs no phrase. Every byte is compared with its SHA-256 on its way into a new folder; only then the folder \
            takes the place of the data root, in one step. The data root that was there is kept beside it. \
            Refuses while the data root is mounted or components run.

            Where the backup is damaged, nothing is restored. With --partial all but what is damaged is; what is left out \
            is named, and the command ends with 65, as it does where blobs were missing when the backup was made. Where the \
            backup's checksum lists are damaged, --partial takes the sealed files as they are: they are verified when \
            they are read, and 'osnovafs verify' names those that are damaged.

            A backup is a directory, a file that 'osnovafs backup -' wrote, - for such a stream on standard input, \
            --from host:path for another machine, or --from-command for what a command writes.
            """)

    @OptionGroup var store: StoreOptions

    @Option(
        help: ArgumentHelp("A generation of 'backup list'; else the newest.", valueName: "name"),
        transform: Arguments.text)
    var generation: String?

    @Flag(help: "Replace a data root that is in use, or a directory that is none.")
    var force = false

    @Flag(help: "Leave out what is damaged in the backup, and name it.")
    var partial = false

    @Option(
        help: ArgumentHelp("The backup on another machine, or in a directory.", valueName: "place"),
        transform: BackupPlaceArgument.init(parsing:))
    var from: BackupPlaceArgument?

    @Option(
        help: ArgumentHelp("A shell command that writes a tar stream.", valueName: "command"), transform: Arguments.text
    )
    var fromCommand: String?

    @Argument(help: ArgumentHelp("The backup: a directory, a file with a stream, or -.", valueName: "source"))
    var source: PathArgument?

    func validate() throws {
        guard [source != nil, from != nil, fromCommand != nil].count(where: { $0 }) == 1 else {
            throw ValidationError("Name one backup: a directory, a file, -, --from, or --from-command.")
        }
        try source?.refusePlace(insteadOf: "--from")
    }

    private var backup: BackupSource {
        get throws {
            if let fromCommand { return .command(fromCommand) }
            if let source {
                return source.isStandardStream ? .stream(.standardInput) : try .init(path: source.path.text)
            }
            return switch from?.place {
            case .remote(let place): .remote(place)
            case .directory(let path): try .init(path: path.text)
            case nil: .stream(.standardInput)
            }
        }
    }

    private struct Outcome: Encodable {
        struct LeftOut: Encodable {
            let path: String
            let reason: String
        }

        let generation: String
        let dataRoot: String
        let blobs: Int
        let keptRoot: String?
        let missing: [String]
        let leftOut: [LeftOut]
        let unchecked: Bool
    }

    func run() throws {
        UnfinishedWork.removeOnSignals()
        let root = try store.root
        let progress = Progress("restoring")
        let report = try Restore(from: backup, to: root, onProgress: progress.add)
            .run(generation: generation, force: force, isPartial: partial)
        progress.finish()
        try say(report, root.path)
        for hash in report.missing {
            Terminal.complain(
                "blob \(hash) had no file that could be read when the backup was made, and was not restored")
        }
        for file in report.leftOut { Terminal.complain("\(file.path) was not restored: \(file.reason)") }
        if report.isUnchecked {
            Terminal.complain(
                "the backup's checksum lists are damaged: its sealed files were taken as they are; "
                    + "'osnovafs verify' names those that are damaged")
        }
        guard report.missing.isEmpty, report.leftOut.isEmpty, !report.isUnchecked else {
            throw ExitStatus(code: ExitStatus.code(for: .damaged))
        }
    }

    private func say(_ report: RestoreReport, _ root: String) throws {
        if store.json {
            return try Terminal.sayJSON(
                Outcome(
                    generation: report.generation, dataRoot: root, blobs: report.blobs, keptRoot: report.keptRoot,
                    missing: report.missing, leftOut: report.leftOut.map { .init(path: $0.path, reason: $0.reason) },
                    unchecked: report.isUnchecked))
        }
        Terminal.say("restored \(report.generation) to \(root): \(report.blobs) blobs")
        if let kept = report.keptRoot { Terminal.say("what was there before is now \(kept)") }
    }
}
