internal import ArgumentParser
internal import OsnovaStorage
internal import Primitives

extension BackupCommand {
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the generations, the oldest first.")

        @OptionGroup var store: StoreOptions
        @OptionGroup var place: EarlierBackupOptions

        func run() throws {
            UnfinishedWork.removeOnSignals()
            let generations =
                try place.remote.map { try RemoteGenerations(at: $0).list() }
                ?? BackupGenerations(backup: place.directory).list()
            if store.json {
                try Terminal.sayJSON(generations.map(GenerationDocument.init))
            } else {
                Table.print(["GENERATION", "MADE", "BLOBS", "SIZE"], generations.map(Self.row))
            }
            let damage = generations.compactMap(\.damage)
            for finding in damage { Terminal.complain(finding) }
            guard damage.isEmpty else { throw ExitStatus(code: ExitStatus.code(for: .damaged)) }
        }

        private static func row(_ generation: BackupGeneration) -> [String] {
            let known =
                generation.damage == nil
                ? ["\(generation.blobs)", ByteCount.text(generation.blobBytes + generation.databaseBytes)]
                : ["-", "damaged"]
            return [generation.name, Table.time(generation.created)] + known
        }
    }

    struct Prune: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "prune", abstract: "Remove generations, and what no other generation needs.",
            discussion: """
                Of each day, week or month the newest generation is kept, for so many that have one. A damaged one that \
                would be kept is named (65), and nothing is removed.

                Databases are rebuilt in $TMPDIR meanwhile, so that a full disk can be pruned.
                """)

        @OptionGroup var store: StoreOptions

        @Option(help: ArgumentHelp("Keep the newest ones.", valueName: "count"))
        var keepLast = 0
        @Option(help: ArgumentHelp("Keep one a day.", valueName: "count"))
        var keepDaily = 0
        @Option(help: ArgumentHelp("Keep one a week.", valueName: "count"))
        var keepWeekly = 0
        @Option(help: ArgumentHelp("Keep one a month.", valueName: "count"))
        var keepMonthly = 0

        @OptionGroup var place: EarlierBackupOptions

        func validate() throws {
            guard place.remote == nil else {
                throw ValidationError(
                    "Only a backup in a directory can be pruned: on another machine, run 'osnovafs backup prune' there."
                )
            }
        }

        private struct Outcome: Encodable {
            let removed: [GenerationDocument]
            let kept: [GenerationDocument]
        }

        func run() throws {
            UnfinishedWork.removeOnSignals()
            var retention = BackupRetention()
            retention.last = keepLast
            retention.daily = keepDaily
            retention.weekly = keepWeekly
            retention.monthly = keepMonthly
            let generations = try BackupGenerations(backup: place.directory)
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
    /// Left out where the manifest is damaged, as is the damage of a sound one.
    let blobs: Int?
    let blobBytes: Int64?
    let databaseBytes: Int64?
    let damage: String?

    init(_ generation: BackupGeneration) {
        let isSound = generation.damage == nil
        self.generation = generation.name
        createdAt = generation.created
        blobs = isSound ? generation.blobs : nil
        blobBytes = isSound ? generation.blobBytes : nil
        databaseBytes = isSound ? generation.databaseBytes : nil
        damage = generation.damage
    }
}
