internal import ArgumentParser
internal import OsnovaStorage
internal import Primitives

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Read and verify every blob and the database; change nothing.",
        discussion: "Ends with 0 if everything is sound and with 65 if something is damaged or missing.")

    @OptionGroup var store: StoreOptions
    @OptionGroup var unlocking: UnlockingOptions

    private struct Outcome: Encodable {
        struct Damage: Encodable {
            let sha256: String
            let reason: String
        }

        let checked: Int
        let ok: Int
        let damaged: [Damage]
        let missing: [String]
        let untracked: [String]
        let database: String
    }

    func run() throws {
        let opened = try store.open(unlocking)
        let progress = Progress("verifying")
        let report = try Verification(store: opened, onProgress: progress.add).run()
        progress.finish()
        if store.json {
            let damaged = report.damaged.map { Outcome.Damage(sha256: $0.sha256, reason: $0.reason) }
            try Terminal.sayJSON(
                Outcome(
                    checked: report.checked, ok: report.ok, damaged: damaged, missing: report.missing,
                    untracked: report.untracked, database: report.database))
        } else {
            say(report)
        }
        guard report.isSound else { throw ExitStatus(code: ExitStatus.code(for: .damaged)) }
    }

    private func say(_ report: VerificationReport) {
        for damage in report.damaged { Terminal.say("damaged    \(damage.sha256)  \(damage.reason)") }
        for hash in report.missing { Terminal.say("missing    \(Table.printable(hash))") }
        for name in report.untracked { Terminal.say("untracked  \(Table.printable(name))") }
        Terminal.say(
            "\(report.checked) blobs checked, \(report.ok) sound, \(report.damaged.count) damaged, "
                + "\(report.missing.count) missing, \(report.untracked.count) untracked; database: \(report.database)")
    }
}

struct StatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "stats", abstract: "Count what is stored.")

    @OptionGroup var store: StoreOptions

    private struct Outcome: Encodable {
        struct Blobs: Encodable {
            let count: Int64
            let plainBytes: Int64
            let storedBytes: Int64
        }
        struct Cache: Encodable {
            let entries: Int64
            let bytes: Int64
        }

        let blobs: Blobs
        let components: Int64
        let applications: Int64
        let cache: Cache
        let databaseBytes: Int64
    }

    func run() throws {
        let counted = try store.open().statistics()
        if store.json {
            return try Terminal.sayJSON(
                Outcome(
                    blobs: .init(
                        count: counted.blobCount, plainBytes: counted.plainBytes, storedBytes: counted.storedBytes),
                    components: counted.components, applications: counted.applications,
                    cache: .init(entries: counted.cacheEntries, bytes: counted.cacheBytes),
                    databaseBytes: counted.databaseBytes))
        }
        Table.print(
            ["WHAT", "COUNT", "SIZE"],
            [
                ["blobs", "\(counted.blobCount)", ByteCount.text(counted.plainBytes)],
                ["sealed files", "\(counted.blobCount)", ByteCount.text(counted.storedBytes)],
                ["components", "\(counted.components)", ""],
                ["applications", "\(counted.applications)", ""],
                ["cache entries", "\(counted.cacheEntries)", ByteCount.text(counted.cacheBytes)],
                ["database", "1", ByteCount.text(counted.databaseBytes)],
            ])
    }
}
