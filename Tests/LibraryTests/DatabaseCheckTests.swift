import OsnovaStorage
import Testing

/// What a check of the database says, and of what.
@Suite struct DatabaseCheckTests {
    @Test func `a database that another process writes is busy, not damaged`() throws {
        let library = try Library()
        let impatient = try Catalog(path: library.path, patience: 0.01) { _ in nil }
        try library.catalog.write { writing in
            try writing.setPreference("k", to: 1)
            expect(.busy) { _ = try impatient.check() }
        }
        #expect(try impatient.check().findings == [])
    }
}
