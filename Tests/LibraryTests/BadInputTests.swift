import Foundation
import GRDB
import OsnovaStorage
import TestSupport
import Testing

@testable import Catalog

/// Values that make no sense, databases that cannot be written, disks that fill.
@Suite struct BadInputTests {
    @Test func `a NUL in a text is refused by every store`() throws {
        let library = try Library()
        let writes: [(Writing) throws -> Void] = [
            { _ = try $0.save(Message(channel: "a\0", sender: "s", body: "b")) },
            { _ = try $0.save(Message(channel: "a", sender: "s\0", body: "b")) },
            { _ = try $0.save(Message(channel: "a", sender: "s", body: "b\0")) },
            { try $0.save(Component(id: "a\0b", name: "n", version: "1", kind: .backend, manifest: "{}")) },
            { try $0.save(Component(id: "a", name: "n", version: "1", kind: .backend, manifest: "{}\0")) },
            { try $0.save(Application(id: "a", name: "n\0", version: "1", manifest: "{}")) },
            { try $0.save(KeyMetadata(componentID: "c", derivationIndex: 0, publicKey: "k\0", type: .mlDSA)) },
            { try $0.save(WalletTransaction(hash: "h\0", from: "f", to: "t", amount: .zero, network: "n")) },
            { try $0.setPreference("k\0", to: 1) },
        ]
        for write in writes { expect(.usage, mentioning: "NUL") { try library.catalog.write { try write($0) } } }
        #expect(try library.sqlite("SELECT count(*) FROM messages") == "0")
        #expect(try library.sqlite("SELECT count(*) FROM components") == "0")
    }

    @Test func `a text with a NUL finds and removes no row of what stands before it`() throws {
        let library = try Library()
        let content = try #require(ContentID(hex: String(repeating: "ab", count: 32)))
        try library.install("c", manifest: #"{"a": "b"}"#)
        try library.catalog.write { writing in
            try writing.setPreference("k", to: 1)
            try writing.save(Message(channel: "c", sender: "s", body: "b"))
            try writing.save(WalletTransaction(hash: "h", from: "f", to: "t", amount: .zero, network: "n"))
            try writing.save(KeyMetadata(componentID: "c", derivationIndex: 0, publicKey: "p", type: .ed25519))
            try writing.save(CacheEntry(address: "a", content: content, size: 1, dataType: "chunk"))
            try writing.pinCacheEntry("a")
        }
        let reads: [(Reading) throws -> Void] = [
            { _ = try $0.preference("k\0x", as: Int.self) }, { _ = try $0.preferences(prefix: "k\0x") },
            { _ = try $0.messages(MessageFilter(channel: "c\0x")) }, { _ = try $0.transaction("h\0x") },
            { _ = try $0.total(TransactionFilter(from: "f\0x"), network: "n") }, { _ = try $0.cacheEntry("a\0x") },
            { _ = try $0.key(of: "c\0x", index: 0) }, { _ = try $0.key(publicKey: "p\0x") },
            { _ = try $0.keys(of: "c\0x") }, { _ = try $0.nextKeyIndex(of: "c\0x") },
            { _ = try $0.components(ComponentFilter(author: "a\0x")) },
            { _ = try $0.manifestValue(ofComponent: "c", path: "$.a\0x") },
        ]
        for read in reads { expect(.usage, mentioning: "NUL") { try library.catalog.read { try read($0) } } }
        expect(.usage, mentioning: "NUL") { _ = try library.catalog.components(whereManifest: "a\0x", is: "b") }
        expect(.usage, mentioning: "NUL") { _ = try library.catalog.components(whereManifest: "a", is: "b\0x") }
        let writes: [(Writing) throws -> Void] = [
            { _ = try $0.removePreference("k\0x") }, { _ = try $0.removeTransaction("h\0x") },
            { _ = try $0.removeKey(of: "c\0x", index: 0) }, { _ = try $0.removeCacheEntry("a\0x") },
            { try $0.pinCacheEntry("a\0x") }, { try $0.unpinCacheEntry("a\0x") },
            { try $0.settleTransaction("h\0x", as: .failed) },
            { try $0.registerStart(of: "c\0x", processID: Int64(getpid()), endpoint: "e") },
            { try $0.setStatus(.running, of: "c\0x") }, { try $0.recordHeartbeat(of: "c\0x", processID: 1, at: 1) },
        ]
        for write in writes { expect(.usage, mentioning: "NUL") { try library.catalog.write { try write($0) } } }
        try library.catalog.write { (writing: Writing) throws -> Void in
            try writing.registerStart(of: "c", processID: Int64(getpid()), endpoint: "e")
            #expect(try !writing.removeComponent("c\0x"))
            let registration = try #require(try writing.reading.registration(of: "c"))
            #expect(try writing.reading.isAlive(registration) == true)
            #expect(try writing.reading.preferences().rows.count == 1)
            #expect(try writing.reading.transaction("h")?.status == .pending)
            #expect(try writing.reading.keys().rows.count == 1)
            #expect(try writing.reading.pinnedAddresses() == ["a"])
        }
        #expect(try library.sqlite("SELECT count(*) FROM registry_processes") == "1")
    }

    @Test func `a use of the cache at an impossible time is no trap`() throws {
        let library = try Library()
        let content = try #require(ContentID(hex: String(repeating: "ab", count: 32)))
        try library.catalog.write { writing in
            try writing.save(CacheEntry(address: "a", content: content, size: 1, dataType: "chunk"))
            for coarseness in [Int64.min, 0, .max] {
                for time in [Int64.min, -1, .max] {
                    try writing.recordUse([(Array("a".utf8), time)], coarseness: coarseness)
                }
            }
        }
        let entry = try #require(try library.catalog.read { try $0.cacheEntry("a") })
        #expect((entry.cachedAt...Clock.seconds + 1).contains(entry.lastAccessed))
    }

    @Test(arguments: [-1, Int64.min, 253_402_300_800, Int64.max]) func `a time outside the calendar is refused`(
        time: Int64
    )
        throws
    {
        let library = try Library()
        let writes: [(Writing) throws -> Void] = [
            { _ = try $0.save(Message(channel: "c", sender: "s", body: "b", timestamp: time)) },
            {
                try $0.save(
                    WalletTransaction(hash: "h", from: "f", to: "t", amount: .zero, network: "n", timestamp: time))
            },
            {
                try $0.save(
                    Component(id: "a", name: "n", version: "1", kind: .backend, manifest: "{}", installedAt: time))
            },
        ]
        for write in writes { expect(.usage, mentioning: "\(time)") { try library.catalog.write { try write($0) } } }
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity, -1, 0, 1e300]) func `any patience is taken for some`(
        patience: Double
    ) throws {
        let library = try Library()
        let catalog = try Catalog(path: library.path, patience: patience) { _ in nil }
        try catalog.write { try $0.setPreference("k", to: 1) }
        try catalog.close()
        #expect(try library.catalog.read { try $0.preference("k", as: Int.self) } == 1)
    }

    @Test(arguments: [
        Duration.zero, .seconds(-1), .seconds(Int64.max), .seconds(Int64.min),
        Duration(secondsComponent: .max, attosecondsComponent: 999_999_999_999_999_999),
    ])
    func `any interval is one that a clock can wait and that leaves the core to others`(interval: Duration) {
        #expect(Waiting.pause(interval) >= .milliseconds(1))
        #expect(Waiting.pause(interval).components.seconds < Int64(Int32.max) * 2)
    }

    @Test func `an observer may ask for no delay at all`() async throws {
        let library = try Library()
        let schedule = VacuumSchedule(library.catalog, idle: .zero)
        let changes = try library.catalog.changes(of: [.preferences], every: .seconds(-1))
        try library.catalog.write { try $0.setPreference("k", to: 1) }
        var told = changes.makeAsyncIterator()
        #expect(await told.next() == [.preferences])
        withExtendedLifetime(schedule) {}
    }

    @Test func `nothing is acknowledged that went into a database which has lost its path`() throws {
        let library = try Library()
        let (path, old) = (library.path, library.folder.path("old.db"))
        func write() throws { try library.catalog.write { try $0.setPreference("k", to: 1) } }
        try write()
        try FileManager.default.moveItem(atPath: path, toPath: old)
        expect(.notFound, mentioning: path) { try write() }
        #expect(try library.catalog.read { try $0.preferences().rows.count } == 1, "what is open is read on")
        try Data().write(to: URL(fileURLWithPath: path))
        expect(.busy, mentioning: path) { try write() }
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.moveItem(atPath: old, toPath: path)
        try write()
    }

    @Test func `a folder that is gone is an error in a line`() throws {
        let library = try Library()
        try FileManager.default.removeItem(at: library.folder.url)
        expect(.notFound, mentioning: library.folder.url.path) { _ = try library.catalog.removeCopiesWithRekey() }
    }

    @Test func `a reference to nothing is refused`() throws {
        let library = try Library()
        let missing = try #require(ContentID(hex: String(repeating: "ab", count: 32)))
        expect(.notFound, mentioning: missing.hex) {
            try library.catalog.write { _ = try $0.save(Message(channel: "c", sender: "s", attachment: missing)) }
        }
        expect(.notFound, mentioning: "nobody") {
            try library.catalog.write { try $0.registerStart(of: "nobody", processID: 1, endpoint: "e") }
        }
        expect(.usage) { try library.catalog.write { _ = try $0.save(Message(channel: "c", sender: "s")) } }
        expect(.notFound) {
            try library.catalog.write {
                try $0.database.execute(
                    sql: "INSERT INTO component_registry VALUES ('x', '1', 1, 'e', 'running', 1, 1, 0)")
            }
        }
    }

    @Test func `an amount that is none is refused`() throws {
        let library = try Library()
        var transaction = WalletTransaction(hash: "h", from: "f", to: "t", amount: .zero, network: "n")
        transaction.amount = "1e18"
        expect(.usage, mentioning: "decimal") { try library.catalog.write { try $0.save(transaction) } }
    }

    @Test func `rows of any shape that others wrote are read, not trapped on`() throws {
        let library = try Library()
        try library.sqlite(
            """
            INSERT INTO components VALUES ('c', x'ff00', 1.5, 'backend', NULL, 7, NULL, x'00', NULL, 'yesterday', 9e18);
            INSERT INTO components VALUES (NULL, 'n', '1', 'frontend', NULL, NULL, NULL, '{}', NULL, 9223372036854775808, -1);
            INSERT INTO applications VALUES ('a', 'n', '1', NULL, NULL, 'no hash', 'x', NULL, 1, 'never', x'01');
            INSERT INTO autonomi_cache VALUES ('x', 'h', 'h', 'large', 't', -1, 1e300, NULL);
            INSERT INTO wallet_transactions VALUES ('t', 'f', 't', 'lots', NULL, 'n', 'pending', NULL, NULL, NULL, NULL, 1.5, NULL);
            INSERT INTO messages(channel, sender, timestamp, body) VALUES (1, 2.5, 'now', x'ff');
            INSERT INTO user_preferences VALUES ('p', x'ff', 'z');
            """)
        try library.catalog.read { (reading: Reading) throws -> Void in
            #expect(try reading.component("c")?.installedAt == 0)
            #expect(try reading.components(ComponentFilter()).rows.count == 1)
            #expect(try reading.components().count == 2)
            #expect(try reading.application("a")?.launchCount == 0)
            #expect(try reading.cacheEntry("x")?.lastAccessed == .max)
            #expect(try reading.transactions().rows.map(\.value) == [nil])
            #expect(try reading.messages().rows.map(\.channel) == ["1"])
            #expect(try reading.preferences().rows.count == 1)
        }
        expect(.damaged, mentioning: "transaction t") { _ = try library.catalog.read { try $0.total(network: "n") } }
        _ = try library.catalog.search("n")
        #expect(try library.catalog.check().findings == [])
    }

    @Test func `numbers that others wrote as texts are read, not trapped on`() throws {
        let library = try Library()
        try library.sqlite(
            """
            INSERT INTO snapshots VALUES (1000, x'FF', x'00', 'many', 'long ago');
            INSERT INTO nodes(parent, kind, name, modified_at) VALUES (5, 'odd', CAST('d' AS BLOB), 'now'), (5, 1, 'e', 1);
            """)
        try library.catalog.read { (reading: Reading) throws -> Void in
            #expect(try reading.snapshots().map(\.created) == [0])
            #expect(try reading.uploadedFiles().rows.map(\.path) == [[Array("e".utf8)]])
            #expect(try reading.uploadedFile(at: [Array("d".utf8), Array("f".utf8)]) == nil)
        }
    }

    @Test func `a foreign transaction is settled, whatever else its row holds`() throws {
        let library = try Library()
        try library.sqlite(
            """
            INSERT INTO wallet_transactions
                VALUES ('t', 'f', '', '1e5', NULL, 'n', 'pending', NULL, NULL, NULL, NULL, -1.5, NULL)
            """)
        try library.catalog.write { try $0.settleTransaction("t", as: .confirmed, at: 5, gasUsed: Amount("21")) }
        try library.catalog.write { try $0.settleTransaction("t", as: .failed, at: 6) }
        #expect(
            try library.sqlite("SELECT * FROM wallet_transactions") == "t|f||1e5||n|failed|21||||-1.5|6",
            "the rest stays")
        expect(.usage, mentioning: "-1") {
            try library.catalog.write { try $0.settleTransaction("t", as: .failed, at: -1) }
        }
        expect(.notFound) { try library.catalog.write { try $0.settleTransaction("u", as: .failed) } }
    }

    @Test func `a locked database is waited for, then its holder is named`() throws {
        let library = try Library()
        let holder = Process()
        holder.executableURL = URL(fileURLWithPath: "/usr/bin/sqlite3")
        holder.arguments = [library.path]
        let (input, output) = (Pipe(), Pipe())
        holder.standardInput = input
        holder.standardOutput = output
        try holder.run()
        input.fileHandleForWriting.write(Data("BEGIN IMMEDIATE;\nSELECT 'locked';\n".utf8))
        #expect(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self) == "locked\n")
        let impatient = try Catalog(path: library.path, patience: 0.05) { _ in nil }
        expect(.busy, mentioning: "process \(holder.processIdentifier) (sqlite3)") {
            try impatient.write { try $0.setPreference("k", to: 1) }
        }
        #expect(try impatient.read { try $0.preferences().rows.isEmpty }, "readers do not wait")
        input.fileHandleForWriting.write(Data("COMMIT;\n".utf8))
        try input.fileHandleForWriting.close()
        holder.waitUntilExit()
        try impatient.write { try $0.setPreference("k", to: 1) }
    }

    @Test func `a disk that fills within a transaction undoes all of it`() throws {
        let library = try Library()
        try library.install("kept")
        let pages = try library.catalog.read { try Int.fetchOne($0.database, sql: "PRAGMA page_count") ?? 0 }
        func limit(_ pages: Int) throws {
            try library.catalog.maintain { try $0.execute(sql: "PRAGMA max_page_count = \(pages)") }
        }
        try limit(pages + 3)
        expect(.inputOutput, mentioning: "full") {
            try library.catalog.write { writing in
                for number in 0..<10_000 {
                    try writing.save(Message(channel: "c", sender: "s", body: "message \(number)"))
                }
            }
        }
        try limit(1 << 30)
        #expect(try library.sqlite("SELECT count(*) FROM messages") == "0")
        #expect(try library.catalog.check().findings == [])
        try library.catalog.write { _ = try $0.save(Message(channel: "c", sender: "s", body: "b")) }
        #expect(try library.catalog.search("b").count == 1)
    }

    @Test(.enabled(if: getuid() == 0, "needs root to mount"))
    func `a full disk and a read-only one are errors in a line`() throws {
        let folder = try TemporaryFolder()
        let place = folder.path("disk")
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        guard Self.run("/usr/bin/mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place) else { return }
        defer { _ = Self.run("/usr/bin/umount", "--lazy", place) }
        let catalog = try Catalog(path: "\(place)/osnova.db", creating: true) { _ in nil }
        var saved = 0
        expect(.inputOutput) {
            while true {
                try catalog.write { try $0.setPreference("k\(saved)", to: String(repeating: "x", count: 50_000)) }
                saved += 1
            }
        }
        #expect(try catalog.read { try $0.preferences(limit: 1000).rows.count } == saved, "what was acknowledged")
        try? catalog.close()
        #expect(Self.run("/usr/bin/mount", "-o", "remount,ro", place))
        expect(.denied) {
            let readOnly = try Catalog(path: "\(place)/osnova.db") { _ in nil }
            try readOnly.write { try $0.setPreference("k", to: 1) }
        }
    }

    private static func run(_ program: String, _ arguments: String...) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
