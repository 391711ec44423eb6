import Dispatch
import OsnovaStorage
import Synchronization
import TestSupport
import Testing

/// Calls from within the closures of others, and calls to a database that is closed.
@Suite struct NestingTests {
    private let note = Message(channel: "c", sender: "s", body: "note")

    @Test func `a read within a read is an error, and the outer one goes on`() throws {
        let library = try Library()
        let catalog = library.catalog
        try catalog.read { (reading: Reading) throws -> Void in
            expect(.usage, mentioning: "within a read") { _ = try catalog.read { try $0.messages() } }
            expect(.usage, mentioning: "within a read") { _ = try catalog.search("note") }
            expect(.usage, mentioning: "within a read") { _ = try catalog.components(whereManifest: "a", is: "b") }
            #expect(try reading.messages().rows.isEmpty)
        }
        #expect(try catalog.search("note").isEmpty, "afterwards this thread reads as before")
    }

    @Test func `a write within a write is an error, and the outer one goes on`() throws {
        let library = try Library()
        let catalog = library.catalog
        try catalog.write { (writing: Writing) throws -> Void in
            expect(.usage, mentioning: "within a write") { try catalog.write { _ = try $0.save(note) } }
            // Whatever other programs wrote or did not write.
            expect(.usage, mentioning: "within a write") { _ = try catalog.search("note") }
            expect(.usage, mentioning: "within a write") { _ = try catalog.vacuum() }
            try writing.save(note)
        }
        #expect(try catalog.search("note").count == 1)
    }

    @Test func `a read within a write sees the state before it, a write within a read is no part of it`() throws {
        let library = try Library()
        let catalog = library.catalog
        try catalog.write { (writing: Writing) throws -> Void in
            try writing.save(note)
            #expect(try catalog.read { try $0.messages().rows.isEmpty })
        }
        try catalog.read { (reading: Reading) throws -> Void in
            try catalog.write { _ = try $0.save(note) }
            #expect(try reading.messages().rows.count == 1)
        }
        #expect(try catalog.read { try $0.messages().rows.count } == 2)
    }

    @Test func `other threads read and write while a closure runs`() throws {
        let library = try Library()
        let catalog = library.catalog
        let note = note
        let seen = Mutex(0)
        try catalog.read { (reading: Reading) throws -> Void in
            let other = try JoinableThread {
                let count = try? catalog.read { _ in
                    try catalog.write { _ = try $0.save(note) }
                    return 1
                }
                seen.withLock { $0 = count ?? 0 }
            }
            other.join()
            #expect(try reading.messages().rows.isEmpty)
        }
        #expect(seen.withLock { $0 } == 1)
        #expect(try catalog.search("note").count == 1)
    }

    @Test func `what is reported within a write waits for its end, however much it is`() throws {
        let library = try Library()
        try library.install("a")
        let batch = BatchWriter(library.catalog, interval: 3600, capacity: 2)
        try library.catalog.write { _ in
            for id in ["a", "b", "c", "d"] { try batch.componentUsed(id, at: 7) }
            expect(.usage, mentioning: "within a write") { try batch.flush() }
            expect(.usage, mentioning: "within a write") { try batch.close() }
        }
        try batch.close()
        #expect(try library.catalog.read { try $0.component("a")?.lastUsed } == 7)
    }

    @Test func `a closed database says so`() throws {
        let library = try Library()
        let catalog = library.catalog
        try catalog.close()
        try catalog.close()
        expect(.usage, mentioning: "is closed") { _ = try catalog.read { try $0.messages() } }
        expect(.usage, mentioning: "is closed") { try catalog.write { _ = try $0.save(note) } }
        expect(.usage, mentioning: "is closed") { _ = try catalog.search("note") }
        expect(.usage, mentioning: "is closed") { _ = try catalog.changes() }
        expect(.usage, mentioning: "is closed") { _ = try catalog.check() }
        expect(.usage, mentioning: "is closed") { _ = try catalog.vacuumFully() }
    }

    @Test func `a database is not closed within a closure`() throws {
        let library = try Library()
        let catalog = library.catalog
        try catalog.read { (reading: Reading) throws -> Void in
            expect(.usage, mentioning: "cannot be closed") { try catalog.close() }
            #expect(try reading.messages().rows.isEmpty)
        }
        try catalog.write { (writing: Writing) throws -> Void in
            expect(.usage, mentioning: "cannot be closed") { try catalog.close() }
            try writing.save(note)
        }
        try catalog.close()
        #expect(try library.sqlite("SELECT count(*) FROM messages") == "1")
    }

    @Test func `who is writing when another thread closes loses nothing that was acknowledged`() throws {
        let library = try Library()
        let catalog = library.catalog
        let (note, begun) = (note, DispatchSemaphore(value: 0))
        let acknowledged = Mutex(0)
        let writers = try (0..<3).map { _ in
            try JoinableThread {
                do {
                    while true {
                        try catalog.write { _ = try $0.save(note) }
                        acknowledged.withLock { $0 += 1 }
                        begun.signal()
                        let isEmpty = try catalog.read { try $0.messages(limit: 1).rows.isEmpty }
                        #expect(!isEmpty)
                    }
                } catch {
                    #expect((error as? OsnovaError)?.kind == .usage, "\(error)")
                }
            }
        }
        for _ in 0..<20 { try #require(begun.wait(timeout: .now() + 60) == .success) }
        try catalog.close()
        for writer in writers { writer.join() }
        #expect(try library.sqlite("SELECT count(*) FROM messages") == "\(acknowledged.withLock { $0 })")
    }
}
