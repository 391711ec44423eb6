internal import ArgumentParser
internal import Keyring
internal import OsnovaStorage
internal import Primitives
internal import SystemPackage

struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Make a data root of a plain copy of a mount.",
        discussion: """
            VIEW is what tar, rsync, restic or borg gave back of a mounted store. Each content is sealed anew under the \
            store's phrase and checked against its name; what does not match is named and left out, and the command then \
            ends with 65. An import that was interrupted goes on when it is run again.
            """)

    @OptionGroup var store: StoreOptions
    @OptionGroup var unlocking: UnlockingOptions

    @Argument(help: "The directory that holds the copy.")
    var view: PathArgument

    private struct Outcome: Encodable {
        struct Refusal: Encodable {
            let path: String
            let reason: String
        }

        let dataRoot: String
        let sealed: Int
        let alreadySealed: Int
        let copiedFiles: Int
        let refused: [Refusal]
        let missing: [String]
        let ignored: [String]
    }

    func run() throws {
        let root = try store.root
        let copy = try DataRoot(path: view.path.text)
        let progress = Progress("sealing")
        // The users' vaults are in the view, and not yet in the data root.
        let keys = try unlocking.keys(of: copy)
        let report = try ViewImport(view: view.path, root: root, keys: keys, onProgress: progress.add).run()
        progress.finish()
        if store.json {
            try Terminal.sayJSON(
                Outcome(
                    dataRoot: root.path, sealed: report.sealed, alreadySealed: report.alreadySealed,
                    copiedFiles: report.copied, refused: report.refused.map { .init(path: $0.path, reason: $0.reason) },
                    missing: report.missing, ignored: report.ignored))
        } else {
            say(report)
        }
        guard report.isComplete else { throw ExitStatus(code: ExitStatus.code(for: .damaged)) }
    }

    private func say(_ report: ImportReport) {
        for refusal in report.refused {
            Terminal.say("refused  \(Table.printable(refusal.path))  \(Table.printable(refusal.reason))")
        }
        for hash in report.missing { Terminal.say("missing  \(hash)") }
        for path in report.ignored { Terminal.say("ignored  \(Table.printable(path))") }
        Terminal.say(
            "\(report.sealed) blobs sealed, \(report.alreadySealed) sealed before, \(report.copied) files copied, "
                + "\(report.refused.count) refused, \(report.missing.count) missing, \(report.ignored.count) ignored")
    }
}
