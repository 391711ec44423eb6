import GRDB
import Primitives
import TestSupport
import Testing

@testable import Catalog

@Suite struct DatabaseFileTests {
    @Test func `while others read, emptying the WAL holds no writer back`() throws {
        let base = try Base()
        let catalog = base.catalog
        let impatient = try Catalog(path: base.path, patience: 0.5) { _ in nil }
        func write(_ value: String) throws { try impatient.write { try $0.setPreference("k", to: value) } }
        try write("first")
        let reader = try DatabaseQueue(path: base.path)
        try reader.inDatabase { database in
            try database.beginTransaction(.deferred)
            #expect(try Int.fetchOne(database, sql: "SELECT count(*) FROM user_preferences") == 1)
            #expect(try !catalog.emptyWAL(waitingAtMost: 0))
            let emptying = try JoinableThread { #expect((try? catalog.emptyWAL(waitingAtMost: 1)) == false) }
            for number in 0..<20 { try write("\(number)") }
            emptying.join()
            try database.commit()
        }
        try reader.close()
        #expect(try catalog.emptyWAL(waitingAtMost: 0))
    }

    @Test func `a file of the driver's own that is locked or cannot grow is told as that`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("own.db")
        let (one, other) = try (Connection(path: path, creating: true), Connection(path: path, creating: true))
        try one.execute("CREATE TABLE t (a); PRAGMA max_page_count = 2; BEGIN EXCLUSIVE")
        try other.execute("PRAGMA busy_timeout = 0")
        let busy = #expect(throws: OsnovaError.self) { try other.execute("BEGIN IMMEDIATE") }
        #expect(busy?.kind == .busy && busy?.message.contains("own.db is locked") == true, "\(busy?.message ?? "")")
        let full = #expect(throws: OsnovaError.self) { try one.execute("INSERT INTO t VALUES (zeroblob(100000))") }
        #expect(full?.kind == .inputOutput && full?.message.contains("is full") == true, "\(full?.message ?? "")")
    }

    @Test func `the tags of the last row that there can be are read like any others`() throws {
        let reader = try Base().reader()
        var memory = [UInt8](repeating: 1, count: 32 * TagPage.byteCount)
        try memory.withUnsafeMutableBytes { try reader.copyTags(ofBlob: 1 << 47 - 1, from: 65_536 - 32, into: $0) }
        #expect(memory.allSatisfy { $0 == 0 })
    }
}
