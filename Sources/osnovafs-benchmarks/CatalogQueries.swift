internal import OsnovaStorage

/// Every query and command of the library.
struct CatalogQueries {
    struct Query {
        let name: String
        /// Milliseconds below which the 95th percentile must be; nil for what has no target.
        let target: Double?
        let run: (Int) throws -> Void
    }

    let catalog: Catalog

    /// The target of a metadata query.
    private static let metadata = 1.0
    private static let search = 10.0
    private static let write = 50.0

    var all: [Query] { packages + listings + lookups + searches + writes }

    private func reading(_ name: String, _ body: @escaping (Reading, Int) throws -> Void) -> Query {
        Query(name: name, target: Self.metadata) { number in try catalog.read { try body($0, number) } }
    }

    private var packages: [Query] {
        [
            reading("component by id") { _ = try $0.component(CatalogFilling.componentID($1 % 1_000)) },
            reading("components, page of 50") { reading, _ in _ = try reading.components(ComponentFilter(), limit: 50)
            },
            reading("components of a kind, page of 50") { reading, _ in
                _ = try reading.components(ComponentFilter(kind: .frontend), limit: 50)
            },
            reading("components of an author, page of 50") {
                _ = try $0.components(ComponentFilter(author: "Author \($1 % 50)"), limit: 50)
            },
            Query(name: "components by manifest author", target: Self.metadata) {
                _ = try catalog.components(whereManifest: "author", is: "Author \($0 % 50)")
            },
            Query(name: "components depending on another", target: Self.metadata) {
                _ = try catalog.components(dependingOn: CatalogFilling.componentID($0 % 500))
            },
            reading("one value of a manifest") {
                _ = try $0.manifestValue(
                    ofComponent: CatalogFilling.componentID($1 % 1_000), path: "$.config.memory")
            },
            reading("application by id") { _ = try $0.application("org.example.app\($1 % 200)") },
            reading("applications, page of 50") { reading, _ in _ = try reading.applications(after: nil, limit: 50) },
            reading("launched applications, page of 50") { reading, _ in
                _ = try reading.launchedApplications(limit: 50)
            },
            Query(name: "components of at least a version (scan)", target: nil) { _ in
                guard let version = SemanticVersion("1.25.0") else { return }
                _ = try catalog.read { try $0.components(versionAtLeast: version) }
            },
        ]
    }

    private var listings: [Query] {
        [
            reading("transactions, page of 50") { reading, _ in _ = try reading.transactions(limit: 50) },
            reading("transactions of a payer, page of 50") {
                _ = try $0.transactions(TransactionFilter(from: CatalogFilling.address($1)), limit: 50)
            },
            reading("pending transactions, page of 50") { reading, _ in
                _ = try reading.transactions(TransactionFilter(status: .pending), limit: 50)
            },
            reading("transactions of a component, page of 50") {
                let id = CatalogFilling.componentID($1 * 4 % 1_000)
                _ = try $0.transactions(TransactionFilter(componentID: id), limit: 50)
            },
            reading("sum of a payer's amounts") {
                let filter = TransactionFilter(from: CatalogFilling.address($1))
                _ = try $0.total(filter, network: "arbitrum-one")
            },
            reading("least used cache entries, page of 50") { reading, _ in
                _ = try reading.leastUsedCacheEntries(limit: 50)
            },
            reading("messages of a channel, page of 50") {
                _ = try $0.messages(MessageFilter(channel: "channel\($1 % 40)"), limit: 50)
            },
            reading("messages of a sender, page of 50") {
                _ = try $0.messages(MessageFilter(sender: "sender\($1 % 300)"), limit: 50)
            },
            reading("messages, second page of 50") { reading, _ in
                let first = try reading.messages(limit: 50)
                _ = try reading.messages(after: first.next, limit: 50)
            },
            reading("registrations, page of 50") { reading, _ in _ = try reading.registrations(limit: 50) },
            reading("preferences, page of 50") { reading, _ in _ = try reading.preferences(limit: 50) },
            reading("keys of a component, page of 50") {
                _ = try $0.keys(of: CatalogFilling.componentID($1 % 1_000), limit: 50)
            },
            reading("uploaded files, page of 50") { reading, _ in _ = try reading.uploadedFiles(limit: 50) },
        ]
    }

    private var lookups: [Query] {
        [
            reading("transaction by hash") { _ = try $0.transaction(CatalogFilling.hash($1 * 17 % 10_000)) },
            reading("cache entry by address") {
                _ = try $0.cacheEntry(CatalogFilling.cacheAddress($1 * 191 % 100_000))
            },
            reading("message by number") { _ = try $0.message(Int64($1 * 193 % 100_000)) },
            reading("preference by key") { reading, _ in _ = try reading.preference("setting7", as: [String: Int].self)
            },
            reading("registration by component") {
                _ = try $0.registration(of: CatalogFilling.componentID($1 % 1_000))
            },
        ]
    }

    private var searches: [Query] {
        func find(_ name: String, _ query: @escaping (Int) -> String) -> Query {
            Query(name: "search: \(name)", target: Self.search) { _ = try catalog.search(query($0)) }
        }
        let words = CatalogFilling.words
        return [
            find("a rare word") { words[2_000 + $0 % 1_000] },
            find("the most frequent word") { _ in words[0] },
            find("a frequent and a rare word") { "\(words[1]) \(words[500 + $0 % 500])" },
            find("a prefix") { "\(words[$0 % 100].prefix(3))*" },
            find("a phrase") { "\"\(words[$0 % 10]) \(words[$0 % 7])\"" },
            find("nothing") { _ in "occursnowhere" },
        ]
    }

    private var writes: [Query] {
        [
            Query(name: "write: a preference", target: Self.write) { number in
                try catalog.write { try $0.setPreference("counter", to: number) }
            },
            Query(name: "write: a message", target: Self.write) { number in
                let message = Message(channel: "bench", sender: "bench", body: "message \(number)")
                _ = try catalog.write { try $0.save(message) }
            },
            Query(name: "write: a transaction", target: Self.write) { number in
                try catalog.write { try $0.save(CatalogFilling.transaction(20_000 + number)) }
            },
            Query(name: "write: a component", target: Self.write) { number in
                let component = Component(
                    id: "bench\(number)", name: "Bench \(number)", version: "1.0.\(number)", kind: .backend,
                    manifest: "{\"author\": \"bench\"}")
                try catalog.write { try $0.save(component) }
            },
            Query(name: "write: a cache entry", target: Self.write) { number in
                try catalog.write { try $0.save(CatalogFilling.cacheEntry(200_000 + number)) }
            },
            Query(name: "write: a key", target: Self.write) { number in
                try catalog.write { try $0.save(CatalogFilling.key(20_000 + number)) }
            },
            Query(name: "write: a directory and its new name", target: Self.write) { number in
                let (name, other) = (Array("directory \(number)".utf8), Array("renamed \(number)".utf8))
                try catalog.write { writing in
                    try writing.saveDirectory(at: [name])
                    try writing.renameFile(at: [name], to: [other])
                }
            },
            Query(name: "remove: a message", target: Self.write) { number in
                _ = try catalog.write { try $0.removeMessage(Int64(number + 1)) }
            },
        ]
    }
}
