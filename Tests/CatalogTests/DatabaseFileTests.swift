import Catalog
import GRDB
import Primitives
import TestSupport
import Testing

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

    @Test func `the tags of the last row that there can be are read like any others`() throws {
        let reader = try Base().reader()
        var memory = [UInt8](repeating: 1, count: 32 * TagPage.byteCount)
        try memory.withUnsafeMutableBytes { try reader.copyTags(ofBlob: 1 << 47 - 1, from: 65_536 - 32, into: $0) }
        #expect(memory.allSatisfy { $0 == 0 })
    }
}
