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
                ["database", "1", ByteCount.text(counted.databaseBytes)],
            ])
    }
}
