import Foundation
import OsnovaStorage
import TestSupport
import Testing

@testable import Catalog

/// How long a test that blocks no thread may take: it also waits for its turn among all those that block one.
private let longWait = TimeLimitTrait.Duration.minutes(10)

/// The registry of running components, batches, observers, maintenance.
@Suite struct LivingTests {
    private let own = Int64(getpid())

    private func process() throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/sleep")
        process.arguments = ["60"]
        try process.run()
        return process
    }

    @Test func `a component starts, lives, crashes and is started again`() throws {
        let library = try Library()
        try library.install("c")
        let first = try process()
        try library.catalog.write {
            try $0.registerStart(of: "c", processID: Int64(first.processIdentifier), endpoint: "e")
        }
        try library.catalog.write { try $0.setStatus(.running, of: "c") }
        expect(.busy, mentioning: "\(first.processIdentifier)") {
            try library.catalog.write { try $0.registerStart(of: "c", processID: own, endpoint: "e") }
        }
        #expect(try library.catalog.write { try $0.markCrashedComponents() }.isEmpty, "it lives")
        // The test's threads have SIGTERM blocked, and a child inherits that.
        kill(first.processIdentifier, SIGKILL)
        first.waitUntilExit()
        #expect(try library.catalog.write { try $0.markCrashedComponents() }.map(\.componentID) == ["c"])
        #expect(try library.catalog.read { try $0.registration(of: "c")?.status } == .crashed)
        for restarts in 1...2 {
            try library.catalog.write { try $0.registerStart(of: "c", processID: own, endpoint: "e") }
            #expect(try library.catalog.read { try $0.registration(of: "c")?.restartCount } == Int64(restarts))
            try library.catalog.write { try $0.setStatus(.crashed, of: "c") }
        }
        try library.catalog.write { try $0.setStatus(.stopped, of: "c") }
        try library.catalog.write { try $0.registerStart(of: "c", processID: own, endpoint: "e") }
        #expect(try library.catalog.read { try $0.registration(of: "c")?.restartCount } == 0, "a clean stop forgets")
        #expect(try library.catalog.write { try $0.removeComponent("c") })
        #expect(try library.sqlite("SELECT count(*) FROM registry_processes") == "0")
    }

    @Test func `a later process of the same number is another one`() throws {
        let library = try Library()
        try library.install("c")
        try library.catalog.write { try $0.registerStart(of: "c", processID: own, endpoint: "e") }
        func isAlive() throws -> Bool? {
            try library.catalog.read { try $0.isAlive(try #require(try $0.registration(of: "c"))) }
        }
        #expect(try isAlive() == true)
        try library.sqlite("UPDATE registry_processes SET start_time = start_time - 1")
        #expect(try isAlive() == false)
        try library.sqlite("UPDATE registry_processes SET origin = 'another-boot pid:[1]'")
        #expect(try isAlive() == false)
        let boot = try #require(ProcessIdentity.ownOrigin.split(separator: " ").first)
        try library.sqlite("UPDATE registry_processes SET origin = '\(boot) pid:[1]'")
        #expect(try isAlive() == nil, "another PID namespace is not judged")
        #expect(try library.catalog.write { try $0.markCrashedComponents() }.isEmpty)
        // Of a foreign writer's row only the number and the times are known.
        let started = try #require(ProcessIdentity.startSecond(of: own))
        try library.sqlite("DELETE FROM registry_processes; UPDATE component_registry SET started_at = \(started + 1)")
        #expect(try isAlive() == true)
        try library.sqlite("UPDATE component_registry SET started_at = \(started - 3600)")
        #expect(try isAlive() == false)
        try library.sqlite("UPDATE component_registry SET started_at = 9223372036854775807, pid = -5")
        #expect(try isAlive() == false)
    }

    @Test func `a component without a sign of life is stale`() throws {
        let library = try Library()
        try library.install("c")
        try library.catalog.write { try $0.registerStart(of: "c", processID: own, endpoint: "e", now: 1_000) }
        func stale(_ now: Int64) throws -> Int {
            try library.catalog.read { try $0.staleRegistrations(after: 30, now: now).count }
        }
        #expect(try [stale(1_030), stale(1_031)] == [0, 1])
        try library.catalog.write { try $0.recordHeartbeat(of: "c", processID: own, at: 1_500) }
        try library.catalog.write { try $0.recordHeartbeat(of: "c", processID: own + 1, at: 9_999) }
        #expect(try [stale(1_530), stale(1_531)] == [0, 1], "another process's heartbeat does not count")
        try library.catalog.write { try $0.setStatus(.stopped, of: "c") }
        #expect(try stale(9_999) == 0)
    }

    @Test func `numbers of the registry at their ends are counted with`() throws {
        let library = try Library()
        try library.install("c")
        try library.catalog.write { try $0.registerStart(of: "c", processID: own, endpoint: "e", now: 1_000) }
        let registration = try #require(try library.catalog.read { try $0.registration(of: "c") })
        #expect(registration.isStale(after: .min) && !registration.isStale(after: .max))
        #expect(!registration.isStale(after: .max, now: .min))
        try library.sqlite("UPDATE component_registry SET restart_count = 9223372036854775807, status = 'crashed'")
        try library.catalog.write { try $0.registerStart(of: "c", processID: own, endpoint: "e") }
        #expect(try library.catalog.read { try $0.registration(of: "c")?.restartCount } == .max)
    }

    @Test func `a registration that nobody can name keeps none from being marked`() throws {
        let library = try Library()
        for id in ["a", "c"] { try library.install(id) }
        try library.sqlite(
            """
            INSERT INTO component_registry VALUES (NULL, '1', 999999999, 'e', 'running', 1, 1, 0),
                (x'63', '1', 999999999, 'e', 'running', 1, 1, 0),
                ('a' || char(0), '1', 999999999, 'e', 'running', 1, 1, 0),
                ('a', '1', \(own), 'e', 'running', strftime('%s', 'now'), NULL, 0),
                ('c', '1', 999999999, 'e', 'running', 1, 1, 0)
            """)
        let dead = try library.catalog.write { try $0.markCrashedComponents() }
        #expect(dead.count == 4 && dead.contains { $0.componentID == "c" })
        #expect(try library.catalog.read { try $0.registration(of: "c")?.status } == .crashed)
        #expect(try library.catalog.read { try $0.registration(of: "a")?.status } == .running, "another one's row")
        #expect(try library.catalog.write { try $0.markCrashedComponents() }.isEmpty)
    }

    // MARK: Batches

    @Test func `a batch joins what it is told and loses nothing on a clean stop`() throws {
        let library = try Library()
        try library.install("c")
        try library.catalog.write { writing in
            try writing.save(Application(id: "a", name: "n", version: "1", manifest: "{}"))
            try writing.registerStart(of: "c", processID: own, endpoint: "e", now: 1)
        }
        // An interval that never comes: only closing writes.
        let batch = BatchWriter(library.catalog, interval: 3600)
        for time in 1...1_000 {
            try batch.heartbeat(of: "c", processID: own, at: Int64(time))
            try batch.componentUsed("c", at: Int64(2_000 - time))
            try batch.applicationLaunched("a", at: Int64(time))
        }
        try batch.cacheEntryUsed("nowhere")
        #expect(
            try library.catalog.read { try $0.registration(of: "c")?.lastHeartbeat } == nil,
            "nothing waits for the disk")
        try batch.close()
        try library.catalog.read { (reading: Reading) throws -> Void in
            #expect(try reading.registration(of: "c")?.lastHeartbeat == 1_000)
            #expect(try reading.component("c")?.lastUsed == 1_999)
            #expect(try reading.application("a")?.launchCount == 1_000)
            #expect(try reading.application("a")?.lastLaunched == 1_000)
        }
        expect(.usage) { try batch.componentUsed("c") }
    }

    @Test func `ids that merely look the same are not joined`() throws {
        let library = try Library()
        let ids = ["caf\u{E9}", "cafe\u{301}"]
        let batch = BatchWriter(library.catalog, interval: 3600)
        try library.catalog.write { writing in
            for id in ids {
                try writing.save(Application(id: id, name: "n", version: "1", manifest: "{}"))
                try writing.save(Component(id: id, name: "n", version: "1", kind: .backend, manifest: "{}"))
            }
        }
        for (id, times) in zip(ids, 1...) {
            for _ in 0..<times { try batch.applicationLaunched(id) }
            try batch.componentUsed(id, at: Int64(times))
        }
        try batch.close()
        try library.catalog.read { (reading: Reading) throws -> Void in
            #expect(try ids.map { try reading.application($0)?.launchCount } == [1, 2])
            #expect(try ids.map { try reading.component($0)?.lastUsed } == [1, 2])
        }
    }

    @Test func `a batch is written after its interval, and when it is full`() throws {
        let library = try Library()
        try library.install("c")
        let soon = BatchWriter(library.catalog, interval: 0.01)
        try soon.componentUsed("c", at: 5)
        #expect(eventually { try library.catalog.read { try $0.component("c")?.lastUsed } == 5 })
        try soon.componentUsed("c", at: 6)
        #expect(eventually { try library.catalog.read { try $0.component("c")?.lastUsed } == 6 }, "and again")
        let small = BatchWriter(library.catalog, interval: 3600, capacity: 2)
        try small.componentUsed("c", at: 7)
        try small.componentUsed("other", at: 7)
        #expect(try library.catalog.read { try $0.component("c")?.lastUsed } == 7)
        try soon.close()
    }

    @Test func `a batch that cannot be written waits for better times`() throws {
        let library = try Library()
        try library.install("c")
        let impatient = try Catalog(path: library.path, patience: 0.01) { _ in nil }
        let failures = Outcomes()
        let batch = BatchWriter(impatient, interval: 0.01) { failures.add("\($0)") }
        try library.catalog.write { writing in
            try writing.setPreference("k", to: 1)
            try batch.componentUsed("c", at: 8)
            #expect(eventually { failures.all.count > 1 }, "told, and tried again")
        }
        #expect(eventually { try library.catalog.read { try $0.component("c")?.lastUsed } == 8 })
        try batch.close()
    }

    @Test func `a batch whose closing failed goes on writing`() throws {
        let library = try Library()
        try library.install("c")
        let impatient = try Catalog(path: library.path, patience: 0.3) { _ in nil }
        let failures = Outcomes()
        let batch = BatchWriter(impatient, interval: 0.01) { failures.add("\($0)") }
        try library.catalog.write { writing in
            try writing.setPreference("k", to: 1)
            try batch.componentUsed("c", at: 8)
            // The timed attempt waits for the lock by now, and fails while the writer closes.
            usleep(100_000)
            expect(.busy) { try batch.close() }
            #expect(failures.all.count == 1)
        }
        #expect(eventually { try library.catalog.read { try $0.component("c")?.lastUsed } == 8 })
        try batch.componentUsed("c", at: 9)
        #expect(eventually { try library.catalog.read { try $0.component("c")?.lastUsed } == 9 })
        try batch.close()
    }

    @Test func `a batch without an interval rests where it cannot be written`() throws {
        let library = try Library()
        let failures = Outcomes()
        let batch = BatchWriter(library.catalog, interval: 0) { failures.add("\($0)") }
        let (path, elsewhere) = (library.path, library.folder.path("elsewhere.db"))
        try FileManager.default.moveItem(atPath: path, toPath: elsewhere)
        try batch.componentUsed("c", at: 8)
        #expect(eventually { failures.all.count > 1 }, "told, and tried again")
        usleep(300_000)
        #expect(failures.all.count < 10)
        try FileManager.default.moveItem(atPath: elsewhere, toPath: path)
        try batch.close()
    }

    // MARK: Observers

    @Test(.timeLimit(longWait)) func `an observer hears of every writer, and only of what it asked for`()
        async throws
    {
        let library = try Library()
        let other = try Catalog(path: library.path) { _ in nil }
        var changes = try library.catalog.changes(of: [.messages, .preferences], every: .milliseconds(5))
            .makeAsyncIterator()
        try library.catalog.write { _ = try $0.save(Message(channel: "c", sender: "s", body: "own")) }
        #expect(await changes.next() == [.messages])
        try other.write { try $0.setPreference("k", to: 1) }
        #expect(await changes.next() == [.preferences])
        // Of no interest, then of interest: what comes first is the latter.
        try library.install("c")
        try library.sqlite("INSERT INTO messages(channel, sender, timestamp, body) VALUES ('c', 's', 1, 'foreign')")
        #expect(await changes.next() == [.messages])
        try library.sqlite("DELETE FROM user_preferences")
        #expect(await changes.next() == [.preferences])
    }

    @Test(.timeLimit(longWait)) func `what changes while nobody listens is joined and not missed`() async throws {
        let library = try Library()
        let stream = try library.catalog.changes(every: .milliseconds(2))
        for number in 0..<50 {
            try library.catalog.write { try $0.setPreference("k\(number)", to: number) }
            if number == 0 { try library.install("c") }
        }
        var heard: Set<ListingKind> = []
        for await changed in stream {
            heard.formUnion(changed)
            if heard.isSuperset(of: [.preferences, .components, .files]) { break }
        }
        #expect(!heard.contains(.messages))
    }

    // MARK: Maintenance

    @Test func `a vacuum gives back what is free, by policy`() throws {
        let library = try Library()
        func fill() throws {
            try library.catalog.write { writing in
                for number in 0..<200 {
                    try writing.setPreference("k\(number)", to: String(repeating: "x", count: 20_000))
                }
            }
        }
        try fill()
        #expect(try library.catalog.vacuum() == nil, "nothing is free")
        try library.sqlite("DELETE FROM user_preferences")
        let outcome = try #require(try library.catalog.vacuum(VacuumPolicy(pagesPerStep: 7)))
        #expect(!outcome.wasFull && outcome.bytesAfter < outcome.bytesBefore / 2)
        let size = try FileManager.default.attributesOfItem(atPath: library.path)[.size] as? Int64
        #expect(size == outcome.bytesAfter)
        try fill()
        try library.sqlite("DELETE FROM user_preferences")
        #expect(try library.catalog.vacuum(.everything, while: { false })?.bytesAfter ?? 0 > outcome.bytesAfter)
        #expect(try library.catalog.check().findings == [])
    }

    @Test func `a foreign database can give back pages after one full vacuum`() throws {
        let library = try Library(version: 1)
        #expect(try !library.catalog.databaseStatistics().isIncremental)
        #expect(try library.catalog.vacuum(.everything) == nil)
        #expect(try library.catalog.vacuumFully().wasFull)
        #expect(try library.catalog.databaseStatistics().isIncremental)
        #expect(try library.catalog.search("machines").count == 1)
        #expect(try library.catalog.check().findings == [])
    }

    @Test(.timeLimit(longWait)) func `a schedule vacuums when nobody writes`() async throws {
        let library = try Library()
        try library.catalog.write { writing in
            for number in 0..<200 { try writing.setPreference("k\(number)", to: String(repeating: "x", count: 20_000)) }
        }
        try library.sqlite("DELETE FROM user_preferences")
        let (outcomes, continuation) = AsyncStream<VacuumOutcome>.makeStream()
        let schedule = VacuumSchedule(library.catalog, idle: .milliseconds(20)) { continuation.yield($0) }
        var iterator = outcomes.makeAsyncIterator()
        let outcome = try #require(await iterator.next())
        #expect(outcome.bytesAfter < outcome.bytesBefore / 2)
        withExtendedLifetime(schedule) {}
    }

    @Test func `statistics tell rows and bytes`() throws {
        let library = try Library()
        try library.install("c")
        let found = try library.catalog.databaseStatistics()
        let components = try #require(found.tables.first { $0.name == "components" })
        #expect(components.rows == 1)
        #expect(try #require(components.bytes) > 0)
        #expect(found.schemaVersion == Migrations.newest && found.isIncremental)
        let sum = found.tables.compactMap(\.bytes).reduce(0, +)
        #expect(sum > found.bytes / 2 && sum <= found.bytes)
    }
}
