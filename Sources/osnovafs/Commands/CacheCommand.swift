internal import ArgumentParser
internal import Catalog
internal import OsnovaStorage

struct CacheCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache", abstract: "Cached network content.",
        subcommands: [Put.self, List.self, Pin.self, Unpin.self, Evict.self])

    struct Put: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "put", abstract: "Seal a file as the content of a network address, listed under /cache.")

        @OptionGroup var store: StoreOptions
        @OptionGroup var unlocking: UnlockingOptions

        @Option(
            help: ArgumentHelp(
                "What the network calls the content: chunk, pointer, file, … (default: file)", valueName: "type"),
            transform: Arguments.text)
        var type = "file"

        @Argument(help: "The network address.", transform: Arguments.text)
        var address: String

        @Argument(help: "The content.")
        var file: PathArgument

        func run() throws {
            let opened = try store.open(unlocking)
            let entry = try Installer(store: opened).cache(address, content: file.path, dataType: type)
            if store.json {
                let isPinned = try opened.catalog.read { try $0.isPinned(address) }
                return try Terminal.sayJSON(CacheDocument(entry, isPinned: isPinned))
            }
            Terminal.say("\(entry.content)  \(Table.printable(entry.address))")
        }
    }

    struct Evict: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "evict",
            abstract: "Take the least recently used entries out of the cache until it is small enough.",
            discussion: """
                Pinned entries and the artifact of an installed component stay. A content that something else refers to loses its entry \
                only. Needs no phrase.
                """)

        @OptionGroup var store: StoreOptions

        @Option(help: ArgumentHelp("Bytes of content that may stay: 500M, 2G.", valueName: "size"))
        var maxSize = SizeArgument(bytes: CacheEviction.defaultMaximum)

        private struct Outcome: Encodable {
            struct Evicted: Encodable {
                let address: String
                let sha256: String
                let size: Int64
                let freed: Bool
            }

            let evicted: [Evicted]
            let entries: Int
            let bytes: Int64
        }

        func run() throws {
            let opened = try store.open()
            let report = try CacheEviction(store: opened).run(downTo: maxSize.bytes)
            try opened.close()
            let evicted = report.evicted.map {
                Outcome.Evicted(
                    address: String(decoding: $0.address, as: UTF8.self), sha256: $0.content, size: $0.size,
                    freed: $0.isFreed)
            }
            if store.json {
                return try Terminal.sayJSON(
                    Outcome(evicted: evicted, entries: report.entriesLeft, bytes: report.bytesLeft))
            }
            for entry in evicted {
                let note = entry.freed ? "" : "  (the content stays: something else refers to it)"
                Terminal.say("evicted  \(Table.printable(entry.address))\(note)")
            }
            Terminal.say(
                "evicted \(evicted.count) entries; \(report.entriesLeft) are left, "
                    + ByteCount.text(report.bytesLeft))
        }
    }
}
