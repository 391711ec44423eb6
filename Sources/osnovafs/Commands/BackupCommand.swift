internal import ArgumentParser
internal import OsnovaStorage
internal import Primitives
internal import SystemPackage

struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Back the store up into a directory, sealed as it is.",
        usage: """
            osnovafs backup <dest> [--verify] [--data-root <dir>] [--json]
            osnovafs backup list <dest>
            osnovafs backup prune <dest> --keep-daily 7
            """,
        discussion: """
            Needs no phrase. Each run makes a generation that shares what it can with the others; a run that was \
            killed leaves none, and the next one goes on with what it wrote. No blob is removed from the store \
            meanwhile. A directory called 'list' or 'prune' is ./list or ./prune.
            """,
        subcommands: [Run.self, List.self, Prune.self], defaultSubcommand: Run.self)

    struct Run: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "run", abstract: "Make a generation; the same as 'osnovafs backup <dest>'.")

        @OptionGroup var store: StoreOptions

        @Flag(help: "Read everything back and compare it with its SHA-256.")
        var verify = false

        @Argument(help: "A directory: empty, not there yet, or an earlier backup of this store.")
        var dest: PathArgument

        private struct Outcome: Encodable {
            let generation: String
            let blobs: Int
            let writtenBytes: Int64
            let missing: [String]
            let damaged: [String]?
        }

        func run() throws {
            let opened = try store.open()
            let path = dest.path.string
            let progress = Progress("backing up")
            let report = try Backup(store: opened, to: path, onProgress: progress.add).run()
            progress.finish()
            try opened.close()
            let damaged = verify ? try readBack(path, report.generation) : nil
            if store.json {
                try Terminal.sayJSON(
                    Outcome(
                        generation: report.generation, blobs: report.blobs, writtenBytes: report.writtenBytes,
                        missing: report.missing, damaged: damaged))
            } else {
                Terminal.say(
                    "\(report.generation): \(report.blobs) blobs, \(ByteCount.text(report.writtenBytes)) written")
            }
            for hash in report.missing { Terminal.complain("blob \(hash) has no file and is not in the backup") }
            for finding in damaged ?? [] { Terminal.complain(finding) }
            guard report.missing.isEmpty, damaged?.isEmpty ?? true else {
                throw ExitStatus(code: ExitStatus.code(for: .damaged))
            }
        }

        private func readBack(_ path: String, _ generation: String) throws -> [String] {
            let progress = Progress("reading back")
            defer { progress.finish() }
            return try BackupGenerations(backup: path).verify(generation, onProgress: progress.add)
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the generations, the oldest first.")

        @OptionGroup var store: StoreOptions

        @Argument(help: "The backup.")
        var dest: PathArgument

        func run() throws {
            let generations = try BackupGenerations(backup: dest.path.string).list()
            if store.json { return try Terminal.sayJSON(generations.map(GenerationDocument.init)) }
            Table.print(
                ["GENERATION", "MADE", "BLOBS", "SIZE"],
                generations.map {
                    [$0.name, Table.time($0.created), "\($0.blobs)", ByteCount.text($0.blobBytes + $0.databaseBytes)]
                })
        }
    }

    struct Prune: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove generations, and what no other generation needs.",
            discussion: "Of each day, week or month the newest generation is kept, for so many that have one.")

        @OptionGroup var store: StoreOptions

        @Option(help: ArgumentHelp("Keep the newest ones.", valueName: "count"))
        var keepLast = 0
        @Option(help: ArgumentHelp("Keep one a day.", valueName: "count"))
        var keepDaily = 0
        @Option(help: ArgumentHelp("Keep one a week.", valueName: "count"))
        var keepWeekly = 0
        @Option(help: ArgumentHelp("Keep one a month.", valueName: "count"))
        var keepMonthly = 0

        @Argument(help: "The backup.")
        var dest: PathArgument

        private struct Outcome: Encodable {
            let removed: [GenerationDocument]
            let kept: [GenerationDocument]
        }

        func run() throws {
            var retention = BackupRetention()
            retention.last = keepLast
            retention.daily = keepDaily
            retention.weekly = keepWeekly
            retention.monthly = keepMonthly
            let generations = try BackupGenerations(backup: dest.path.string)
            let removed = try generations.prune(retention)
            let kept = try generations.list()
            if store.json {
                return try Terminal.sayJSON(
                    Outcome(removed: removed.map(GenerationDocument.init), kept: kept.map(GenerationDocument.init)))
            }
            for generation in removed { Terminal.say("removed  \(generation.name)") }
            Terminal.say("removed \(removed.count) generations; \(kept.count) are kept")
        }
    }
}

private struct GenerationDocument: Encodable {
    let generation: String
    let createdAt: Int64
    let blobs: Int
    let blobBytes: Int64
    let databaseBytes: Int64

    init(_ generation: BackupGeneration) {
        self.generation = generation.name
        createdAt = generation.created
        blobs = generation.blobs
        blobBytes = generation.blobBytes
        databaseBytes = generation.databaseBytes
    }
}

struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Make the data root what it was when a backup was made.",
        discussion: """
            Needs no phrase. Every byte is compared with its SHA-256 on its way into a new folder; only then the folder \
            takes the place of the data root, in one step. The data root that was there is kept beside it. \
            Refuses while the data root is mounted or components run.
            """)

    @OptionGroup var store: StoreOptions

    @Option(help: ArgumentHelp("A generation of 'backup list'; else the newest.", valueName: "name"))
    var generation: String?

    @Flag(help: "Replace a data root that is in use, or a directory that is none.")
    var force = false

    @Argument(help: "The backup.")
    var source: PathArgument

    private struct Outcome: Encodable {
        let generation: String
        let dataRoot: String
        let blobs: Int
        let keptRoot: String?
        let missing: [String]
    }

    func run() throws {
        let root = try store.root
        let progress = Progress("restoring")
        let report = try Restore(backup: source.path.string, to: root, onProgress: progress.add)
            .run(generation: generation, force: force)
        progress.finish()
        if store.json {
            return try Terminal.sayJSON(
                Outcome(
                    generation: report.generation, dataRoot: root.path, blobs: report.blobs,
                    keptRoot: report.keptRoot, missing: report.missing))
        }
        Terminal.say("restored \(report.generation) to \(root.path): \(report.blobs) blobs")
        if let kept = report.keptRoot { Terminal.say("what was there before is now \(kept)") }
    }
}
