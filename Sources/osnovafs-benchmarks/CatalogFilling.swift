internal import Glibc
internal import OsnovaStorage

/// Fills a catalog with rows as a much used data root has them.
struct CatalogFilling {
    static let components = 1_000
    static let applications = 200
    static let transactions = 10_000
    static let cacheEntries = 100_000
    static let messages = 100_000

    /// Words with the frequencies of a language: the n-th is used about 1/n as often as the first.
    static let words = (0..<5_000).map { "\(syllables[$0 % 20])\(syllables[$0 / 20 % 20])\(syllables[$0 / 400])" }
    private static let syllables = [
        "ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "qui", "ro", "su", "ta", "ve", "wi",
        "xo", "zu",
    ]

    let catalog: Catalog
    private var random = Sequence64(seed: 7)

    init(_ catalog: Catalog) {
        self.catalog = catalog
    }

    static func componentID(_ number: Int) -> String { "org.example.component\(number)" }
    static func hash(_ number: Int) -> String { "0x" + digits(number, 64) }
    static func address(_ number: Int) -> String { "0x" + digits(number % 500, 40) }
    static func cacheAddress(_ number: Int) -> String { "ant://" + digits(number, 64) }

    /// Hexadecimal digits that look like a hash's.
    static func digits(_ number: Int, _ count: Int) -> String {
        var random = Sequence64(seed: UInt64(number) &* 31 &+ 11)
        var text = ""
        while text.count < count { text += String(random.next() | 1 << 63, radix: 16) }
        return String(text.prefix(count))
    }

    mutating func text(_ count: Int) -> String {
        (0..<count).map { _ in
            let uniform = Double(random.next() >> 11) / Double(1 << 53)
            // The inverse of a cumulative 1/n distribution.
            var power = 1.0
            let steps = Int(uniform * 12.28)
            for _ in 0..<steps { power *= 2 }
            let base = Int(power)
            return Self.words[min(Self.words.count - 1, base - 1 + Int(random.next() % UInt64(base)))]
        }.joined(separator: " ")
    }

    /// The registry of what is installed, and the wallet.
    mutating func fillSmallTables() throws {
        for number in 0..<Self.components {
            let component = component(number)
            try catalog.write { try $0.save(component) }
        }
        for number in 0..<Self.applications {
            let application = application(number)
            try catalog.write { try $0.save(application) }
        }
        for start in stride(from: 0, to: Self.transactions, by: 1_000) {
            try catalog.write { writing in
                for number in start..<start + 1_000 { try writing.save(Self.transaction(number)) }
            }
        }
        try catalog.write { writing in
            for number in 0..<200 { try writing.setPreference("setting\(number)", to: ["value": number]) }
            for number in 0..<Self.components {
                try writing.save(Self.key(number))
                try writing.registerStart(
                    of: Self.componentID(number), processID: Int64(getpid()), endpoint: "unix:/run/c\(number)")
            }
        }
        let batch = BatchWriter(catalog)
        for number in 0..<Self.applications { try batch.applicationLaunched("org.example.app\(number)") }
        try batch.close()
    }

    static func key(_ number: Int) -> KeyMetadata {
        KeyMetadata(
            componentID: componentID(number), derivationIndex: 0, publicKey: digits(number + 2_000_000, 64),
            type: .ed25519, purpose: "identity")
    }

    mutating func fillLargeTables() throws {
        for start in stride(from: 0, to: Self.cacheEntries, by: 10_000) {
            try catalog.write { writing in
                for number in start..<start + 10_000 { try writing.save(Self.cacheEntry(number)) }
            }
        }
        for start in stride(from: 0, to: Self.messages, by: 10_000) {
            let messages = (start..<start + 10_000).map { message($0) }
            try catalog.write { writing in
                for message in messages { try writing.save(message) }
            }
        }
    }

    private mutating func component(_ number: Int) -> Component {
        let id = Self.componentID(number)
        let author = "Author \(number % 50)"
        let manifest = """
            {"id": "\(id)", "name": "Component \(number)", "version": "1.\(number % 30).\(number % 7)", "kind": "backend",
             "author": "\(author)", "license": "MIT", "description": "\(text(12))",
             "dependencies": [{"id": "\(Self.componentID(number / 2))", "version": ">=1.0.0"},
              {"id": "\(Self.componentID(number / 3))", "version": ">=1.2.0"}], "config": {"memory": 128, "retries": 3}}
            """
        return Component(
            id: id, name: "Component \(text(2))", version: "1.\(number % 30).\(number % 7)",
            kind: number % 3 == 0 ? .frontend : .backend, description: text(12), author: author, license: "MIT",
            manifest: manifest, installedAt: 1_700_000_000 + Int64(number))
    }

    private mutating func application(_ number: Int) -> Application {
        let parts = (0..<5).map { "{\"id\": \"\(Self.componentID(number * 5 + $0))\"}" }.joined(separator: ", ")
        return Application(
            id: "org.example.app\(number)", name: "Application \(text(2))", version: "2.\(number % 10).0",
            description: text(20), author: "Author \(number % 50)",
            manifest: "{\"id\": \"org.example.app\(number)\", \"components\": [\(parts)]}",
            installedAt: 1_700_000_000 + Int64(number))
    }

    static func transaction(_ number: Int) -> WalletTransaction {
        var transaction = WalletTransaction(
            hash: hash(number), from: address(number), to: address(number * 7 + 1),
            amount: Amount("\(number)000000000000000001") ?? .zero, network: "arbitrum-one", purpose: "storage",
            componentID: number % 4 == 0 ? componentID(number % components) : nil,
            timestamp: 1_700_000_000 + Int64(number))
        transaction.status = number % 10 == 0 ? .pending : .confirmed
        return transaction
    }

    static func cacheEntry(_ number: Int) throws -> CacheEntry {
        guard let content = ContentID(hex: digits(number + 1_000_000, 64)) else {
            throw OsnovaError(.inputOutput, "a made-up hash is none")
        }
        return CacheEntry(address: cacheAddress(number), content: content, size: Int64(number), dataType: "chunk")
    }

    mutating func message(_ number: Int) -> Message {
        Message(
            channel: "channel\(number % 40)", sender: "sender\(number % 300)", body: text(14),
            timestamp: 1_700_000_000 + Int64(number))
    }
}
