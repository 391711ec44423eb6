internal import ArgumentParser
internal import OsnovaStorage

struct StatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "stats", abstract: "Count what is stored.")

    @OptionGroup var store: StoreOptions

    func run() throws {
        let counted = try store.open().statistics()
        if store.json { return try Terminal.sayJSON(counted) }
        Table.print(
            ["WHAT", "COUNT", "SIZE"],
            [
                ["blobs", "\(counted.blobCount)", ByteCount.text(counted.plainBytes)],
                ["sealed files", "\(counted.blobCount)", ByteCount.text(counted.storedBytes)],
                ["compressed", "\(counted.compressedCount)", "\(ByteCount.text(counted.savedBytes)) saved"],
                ["components", "\(counted.components)", ""],
                ["applications", "\(counted.applications)", ""],
                ["cache entries", "\(counted.cacheEntries)", ByteCount.text(counted.cacheBytes)],
                ["pinned of them", "\(counted.pinnedEntries)", ""],
                ["database", "1", ByteCount.text(counted.databaseBytes)],
            ])
        if let verification = counted.verification { say(verification) }
    }

    private func say(_ verification: VerificationState) {
        if let oldest = verification.oldestVerifiedAt {
            let never = verification.neverVerified
            let rest = never == 0 ? "" : "; \(never) never were"
            Terminal.say("blobs were verified at \(Table.time(oldest)) or later\(rest)")
        }
        for damage in verification.damaged {
            Terminal.say("damaged    \(damage.sha256)  \(damage.reason), found \(Table.time(damage.foundAt))")
        }
        if !verification.damaged.isEmpty { Terminal.say("to mend it: osnovafs verify --repair --from BACKUP") }
    }
}
