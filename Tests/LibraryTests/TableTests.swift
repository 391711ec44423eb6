import Foundation
import OsnovaStorage
import Testing

/// The typed stores: insert, update, fetch, list, filter, delete.
@Suite struct TableTests {
    @Test func `a message is saved, changed, found and removed`() throws {
        let library = try Library()
        var message = Message(channel: "general", sender: "ada", body: "hello", timestamp: 5)
        message.id = try library.catalog.write { try $0.save(message) }
        #expect(try library.catalog.read { try $0.message(message.id) } == message)
        message.body = "good bye"
        #expect(try library.catalog.write { try $0.save(message) } == message.id)
        #expect(try library.catalog.read { try $0.message(message.id)?.body } == "good bye")
        #expect(try library.catalog.write { try $0.removeMessage(message.id) })
        #expect(try !library.catalog.write { try $0.removeMessage(message.id) })
        expect(.notFound) { try library.catalog.write { _ = try $0.save(message) } }
        let next = try library.catalog.write { try $0.save(Message(channel: "g", sender: "a", body: "x")) }
        #expect(next > message.id, "a number is never given again")
    }

    @Test func `messages are filtered by channel, sender and time`() throws {
        let library = try Library()
        try library.catalog.write { writing in
            for number in 0..<30 {
                try writing.save(
                    Message(
                        channel: "c\(number % 3)", sender: "s\(number % 2)", body: "\(number)",
                        timestamp: Int64(number)))
            }
        }
        func bodies(_ filter: MessageFilter) throws -> [Int] {
            try library.catalog.read { try $0.messages(filter).rows.compactMap { $0.body.flatMap { Int($0) } } }
        }
        #expect(try bodies(MessageFilter(channel: "c1")) == (0..<30).filter { $0 % 3 == 1 }.reversed())
        #expect(try bodies(MessageFilter(sender: "s1", since: 20)) == [29, 27, 25, 23, 21])
        #expect(try bodies(MessageFilter(channel: "c0", sender: "s0")) == [24, 18, 12, 6, 0])
    }

    @Test func `pages hold every row once, while rows come and go`() throws {
        let library = try Library()
        try library.catalog.write { writing in
            // All in the same second: the number decides.
            for number in 0..<25 {
                try writing.save(Message(channel: "c", sender: "s", body: "\(number)", timestamp: 9))
            }
        }
        var seen: [String] = []
        var cursor: Cursor?
        repeat {
            let page = try library.catalog.read { try $0.messages(after: cursor, limit: 4) }
            seen += page.rows.compactMap(\.body)
            cursor = page.next
            try library.catalog.write { writing in
                try writing.save(Message(channel: "c", sender: "s", body: "late", timestamp: 9))
                if let last = page.rows.last { _ = try writing.removeMessage(last.id) }
            }
        } while cursor != nil
        #expect(seen == (0..<25).reversed().map { "\($0)" })
    }

    @Test func `a cursor of another query is refused`() throws {
        let library = try Library()
        try library.catalog.write { writing in
            for number in 0..<5 { try writing.save(Message(channel: "c", sender: "s", body: "\(number)")) }
        }
        let cursor = try #require(try library.catalog.read { try $0.messages(limit: 2).next })
        let same = Cursor(cursor.description)
        #expect(try library.catalog.read { try $0.messages(after: same, limit: 2).rows.count } == 2)
        for other in [cursor.description + ".i1", "", "x", "....", cursor.description.replacing("i", with: "q")] {
            expect(.usage, mentioning: "another listing") {
                _ = try library.catalog.read { try $0.messages(after: Cursor(other), limit: 2) }
            }
        }
        expect(.usage) { _ = try library.catalog.read { try $0.messages(.init(channel: "c"), after: cursor) } }
        expect(.usage) { _ = try library.catalog.read { try $0.transactions(after: cursor) } }
        for limit in [0, -1, 10_001, Int.max] {
            expect(.usage) { _ = try library.catalog.read { try $0.messages(limit: limit) } }
        }
    }

    @Test func `transactions keep amounts of any size and are summed exactly`() throws {
        let library = try Library()
        let large = try #require(Amount("340282366920938463463374607431768211456"))
        try library.catalog.write { writing in
            for number in 0..<3 {
                try writing.save(
                    WalletTransaction(
                        hash: "0x\(number)", from: "me", to: "you", amount: large, network: "net",
                        componentID: number == 0 ? "c" : nil, timestamp: Int64(number)))
            }
            try writing.save(
                WalletTransaction(
                    hash: "0xt", from: "me", to: "you", amount: large, token: "other", network: "net", timestamp: 9))
        }
        try library.catalog.read { (reading: Reading) throws -> Void in
            #expect(try reading.total(network: "net").text == "1020847100762815390390123822295304634368")
            #expect(try reading.total(network: "net").text != "\(Double(3) * pow(2, 128))")
            #expect(try reading.total(token: "other", network: "net") == large)
            #expect(try reading.transactions(.init(componentID: "c")).rows.map(\.hash) == ["0x0"])
            #expect(try reading.transactions(.init(from: "me", status: .confirmed)).rows.isEmpty)
        }
        try library.catalog.write { try $0.settleTransaction("0x1", as: .confirmed, at: 77) }
        let settled = try library.catalog.read { try $0.transactions(.init(to: "you", status: .confirmed)).rows }
        #expect(settled.map(\.confirmedAt) == [77])
        expect(.notFound) { try library.catalog.write { try $0.settleTransaction("0x9", as: .failed) } }
        #expect(try library.catalog.write { try $0.removeTransaction("0x0") })
    }

    @Test func `amounts of networks that merely look the same are not added up`() throws {
        let library = try Library()
        let networks = ["caf\u{E9}", "cafe\u{301}"]
        let amount = try #require(Amount("5"))
        try library.catalog.write { writing in
            for network in networks {
                try writing.save(
                    WalletTransaction(
                        hash: "h" + network, from: "f", to: "t", amount: amount, token: network, network: network))
            }
        }
        for network in networks {
            #expect(try library.catalog.read { try $0.total(token: network, network: network) } == amount)
        }
    }

    @Test func `a preference is any Codable`() throws {
        struct Window: Codable, Equatable {
            var size = [800, 600]
            var title: String? = "Übersicht"
        }
        let library = try Library()
        try library.catalog.write { writing in
            try writing.setPreference("ui.window", to: Window())
            try writing.setPreference("ui.theme", to: "dark")
            try writing.setPreference("ui", to: 1)
            try writing.setPreference("net.retries", to: 3)
            try writing.setPreference("net.retries", to: 4)
        }
        try library.catalog.read { (reading: Reading) throws -> Void in
            let window: Window? = try reading.preference("ui.window")
            let (retries, none): (Int?, Int?) = try (reading.preference("net.retries"), reading.preference("none"))
            #expect(window == Window())
            #expect(retries == 4)
            #expect(none == nil)
            #expect(try reading.preferences(prefix: "ui.").rows.map(\.key) == ["ui.theme", "ui.window"])
            #expect(try reading.preferences().rows.count == 4)
        }
        expect(.damaged) { _ = try library.catalog.read { try $0.preference("ui.theme", as: Int.self) } }
        expect(.usage) { try library.catalog.write { try $0.setPreference("x", to: Double.nan) } }
        #expect(try library.catalog.write { try $0.removePreference("ui") })
    }

    @Test(arguments: ["", "{", "[1,]", "\u{FEFF}1", "'a'", "01", "NaN", "\"\\ud800\"", "1 2", "/**/1"])
    func `a preference that is no JSON is refused`(text: String) throws {
        let library = try Library()
        expect(.usage, mentioning: "no JSON") { try library.catalog.write { try $0.setPreference("k", json: text) } }
        try library.catalog.write { try $0.setPreference("k", json: " [1, null, \"\\u0000\"]\n") }
        #expect(try library.catalog.check().notes == [])
    }

    @Test func `keys are unique by public key and by number`() throws {
        let library = try Library()
        func key(_ index: Int64, _ text: String) -> KeyMetadata {
            KeyMetadata(componentID: "c", derivationIndex: index, publicKey: text, type: .ed25519)
        }
        try library.catalog.write { writing in
            #expect(try writing.reading.nextKeyIndex(of: "c") == 0)
            try writing.save(key(0, "aa"))
            try writing.save(key(4, "bb"))
            #expect(try writing.reading.nextKeyIndex(of: "c") == 5)
        }
        expect(.cannotCreate) { try library.catalog.write { try $0.save(key(0, "cc")) } }
        expect(.cannotCreate) { try library.catalog.write { try $0.save(key(1, "aa")) } }
        var renamed = key(4, "bb")
        renamed.purpose = "identity"
        try library.catalog.write { try $0.save(renamed) }
        #expect(try library.catalog.read { try $0.key(publicKey: "bb")?.purpose } == "identity")
        #expect(try library.catalog.read { try $0.keys(of: "c").rows.map(\.derivationIndex) } == [0, 4])
        #expect(try library.catalog.write { try $0.removeKey(of: "c", index: 0) })
    }

    /// The seed's table and ours do not know each other's numbers.
    @Test func `keys of every type are used, observed and listed alike`() async throws {
        let library = try Library()
        func key(_ index: Int64, _ text: String, _ type: KeyMetadata.KeyType) -> KeyMetadata {
            KeyMetadata(componentID: "c", derivationIndex: index, publicKey: text, type: type)
        }
        var changes = try library.catalog.changes(of: [.keys], every: .milliseconds(5)).makeAsyncIterator()
        try library.catalog.write { try $0.save(key(0, "bb", .x25519)) }
        #expect(await changes.next() == [.keys])
        let batch = BatchWriter(library.catalog, interval: 3600)
        try batch.keyUsed(publicKey: "bb", at: 77)
        try batch.close()
        #expect(try library.catalog.read { try $0.key(publicKey: "bb")?.lastUsed } == 77)
        #expect(await changes.next() == [.keys])
        // As a shell does that knows the seed's table alone.
        try library.sqlite(
            """
            INSERT INTO keys_metadata(component_id, derivation_index, public_key, key_type, created_at)
            VALUES ('c', 0, 'aa', 'ed25519', 1)
            """)
        let first = try library.catalog.read { try $0.keys(limit: 1) }
        let second = try library.catalog.read { try $0.keys(after: first.next, limit: 1) }
        #expect((first.rows + second.rows).map(\.publicKey) == ["aa", "bb"])
    }

    @Test func `components and applications are listed by their filters and by version`() throws {
        let library = try Library()
        try library.catalog.write { writing in
            for (number, version) in ["1.9.0", "1.10.0", "2.0.0-rc.1", "2.0.0", "0.1.0"].enumerated() {
                try writing.save(
                    Component(
                        id: "c\(number)", name: "n", version: version, kind: number == 4 ? .frontend : .backend,
                        author: number < 2 ? "Ada" : "Bob", manifest: "{}", installedAt: Int64(number)))
                try writing.save(
                    Application(
                        id: "a\(number)", name: "n", version: version, manifest: "{}", installedAt: Int64(number)))
            }
        }
        try library.catalog.read { (reading: Reading) throws -> Void in
            #expect(try reading.components(ComponentFilter(kind: .frontend)).rows.map(\.id) == ["c4"])
            #expect(try reading.components(ComponentFilter(author: "Ada")).rows.map(\.id) == ["c1", "c0"])
            #expect(try reading.components(ComponentFilter(kind: .frontend, author: "Ada")).rows.isEmpty)
            let wanted = try #require(SemanticVersion("1.10.0"))
            #expect(try reading.components(versionAtLeast: wanted).map(\.id) == ["c1", "c2", "c3"])
            #expect(try reading.applications(after: nil, limit: 2).rows.map(\.id) == ["a4", "a3"])
            #expect(try reading.launchedApplications().rows.isEmpty)
        }
    }

    @Test func `cache entries are listed by last use and removed`() throws {
        let library = try Library()
        let content = try #require(ContentID(hex: String(repeating: "ab", count: 32)))
        try library.catalog.write { writing in
            for number in 0..<3 {
                var entry = CacheEntry(address: "ant://\(number)", content: content, size: 1, dataType: "chunk")
                entry.lastAccessed = Int64(10 - number)
                try writing.save(entry)
            }
        }
        try library.catalog.read { (reading: Reading) throws -> Void in
            #expect(try reading.leastUsedCacheEntries(limit: 2).rows.map(\.address) == ["ant://2", "ant://1"])
            #expect(try reading.cacheEntries(ofContent: content).count == 3)
        }
        #expect(try library.catalog.write { try $0.removeCacheEntry("ant://1") })
        #expect(try library.catalog.read { try $0.cacheEntry("ant://1") } == nil)
    }
}
