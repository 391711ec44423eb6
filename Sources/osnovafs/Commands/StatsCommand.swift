internal import ArgumentParser
internal import OsnovaStorage

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
