internal import ArgumentParser
internal import OsnovaStorage
internal import Primitives

struct CollectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc",
        abstract: "Remove blobs that nothing refers to.",
        discussion: """
            A blob stays while a file, an icon, an artifact, a cache entry or a message refers to it, and for --grace \
            after it was written: other programs may write a file before its row. Needs no phrase. \
            Ends with 75 while contents are being put or backed up for long.
            """)

    @OptionGroup var store: StoreOptions

    @Option(help: ArgumentHelp("How long a blob stays after it was written: 90s, 30m, 24h, 7d.", valueName: "time"))
    var grace = DurationArgument(seconds: GarbageCollection.defaultGrace)

    @Flag(help: "Remove nothing; say what would go, and why.")
    var dryRun = false

    private struct Outcome: Encodable {
        struct Removed: Encodable {
            let sha256: String
            let size: Int64
            let storedSize: Int64
            let storedAt: Int64
            let reason: String
        }

        let dryRun: Bool
        let removed: [Removed]
        let freedBytes: Int64
        let keptYoung: Int
    }

    func run() throws {
        let opened = try store.open()
        let report = try GarbageCollection(store: opened).run(grace: grace.seconds, isTrial: dryRun)
        try opened.close()
        let reason = "nothing refers to it"
        if store.json {
            let removed = report.removed.map {
                Outcome.Removed(
                    sha256: $0.id.hex, size: $0.size, storedSize: $0.storedSize, storedAt: $0.stored, reason: reason)
            }
            return try Terminal.sayJSON(
                Outcome(
                    dryRun: dryRun, removed: removed, freedBytes: report.freedBytes, keptYoung: report.keptYoung))
        }
        let verb = dryRun ? "would remove" : "removed"
        for blob in report.removed {
            Terminal.say("\(verb)  \(blob.id.hex)  \(reason), written \(Table.time(blob.stored))")
        }
        Terminal.say(
            "\(verb) \(report.removed.count) blobs, \(ByteCount.text(report.freedBytes)); "
                + "\(report.keptYoung) that nothing refers to are too young to go")
    }
}
