internal import ArgumentParser
internal import Catalog
internal import OsnovaStorage

extension CacheCommand {
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the cache; the same as 'osnovafs list cache'.")

        @OptionGroup var store: StoreOptions

        func run() throws {
            try CacheDocument.list(store.open()).say(asJSON: store.json)
        }
    }

    struct Pin: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pin", abstract: "Keep an entry from eviction.",
            discussion: "The pin belongs to the address: it stays when its content is cached anew. Needs no phrase.")

        @OptionGroup var store: StoreOptions

        @Argument(help: "The network address.", transform: Arguments.text)
        var address: String

        func run() throws {
            let opened = try store.open()
            try opened.catalog.write { _ = try $0.pinCacheEntry(address) }
            try opened.close()
            if store.json { try Terminal.sayJSON(PinDocument(address: address, pinned: true)) }
        }
    }

    struct Unpin: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "unpin", abstract: "Let evictions take an entry again.")

        @OptionGroup var store: StoreOptions

        @Argument(help: "The network address.", transform: Arguments.text)
        var address: String

        func run() throws {
            let opened = try store.open()
            try opened.catalog.write { _ = try $0.unpinCacheEntry(address) }
            try opened.close()
            if store.json { try Terminal.sayJSON(PinDocument(address: address, pinned: false)) }
        }
    }

    private struct PinDocument: Encodable {
        let address: String
        let pinned: Bool
    }
}
