internal import ArgumentParser
internal import OsnovaStorage
internal import Primitives

extension BackupCommand {
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the generations, the oldest first.")

        @OptionGroup var store: StoreOptions
        @OptionGroup var place: BackupPlaceOptions

        func validate() throws {
            guard try place.isGiven, !place.isStream else {
                throw ValidationError("Name the backup: a directory, or --to host:path.")
            }
        }

        func run() throws {
            let generations =
                try place.remote.map { try RemoteGenerations(at: $0).list() }
                ?? BackupGenerations(backup: place.directory ?? "").list()
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

        @OptionGroup var place: BackupPlaceOptions

        func validate() throws {
            guard try place.directory != nil else {
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
            var retention = BackupRetention()
            retention.last = keepLast
            retention.daily = keepDaily
            retention.weekly = keepWeekly
            retention.monthly = keepMonthly
            let generations = try BackupGenerations(backup: place.directory ?? "")
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
