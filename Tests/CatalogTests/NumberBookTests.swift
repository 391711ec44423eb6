import Catalog
import Foundation
import Primitives
import TestSupport
import Testing

/// The numbers of what lies in the data root beside the catalog.
@Suite struct NumberBookTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func number(
        _ name: String, _ book: NumberBook, inode: UInt64, changed: Int64
    ) throws -> NumberBook.Numbered {
        try Array(name.utf8).withUnsafeBytes {
            try book.number(
                of: $0, in: 0,
                identity: .init(
                    inode: inode, born: Int64(inode), type: UInt32(S_IFREG), size: 6, modified: 499_162_500,
                    changed: changed))
        }
    }

    @Test func `a file that takes another's name with its size and time has a number and a time of its own`() throws {
        let book = try NumberBook(path: folder.path("view.db"))
        let first = try number("a", book, inode: 1, changed: 1000)
        #expect(try number("a", book, inode: 1, changed: 1000) == first)
        let later = Clock.nanoseconds
        let second = try number("a", book, inode: 2, changed: later)
        #expect(second.number > first.number && second.changed == later)
    }

    @Test func `what was copied with the book keeps its number and its time, what comes later does not`() throws {
        let first = try number("a", NumberBook(path: folder.path("view.db")), inode: 1, changed: 1000)
        try FileManager.default.copyItem(atPath: folder.path("view.db"), toPath: folder.path("copy.db"))
        let copied = Clock.nanoseconds
        for _ in 0..<2 {
            let book = try NumberBook(path: folder.path("copy.db"))
            #expect(try number("a", book, inode: 2, changed: copied) == first)
        }
        let book = try NumberBook(path: folder.path("copy.db"))
        #expect(try number("a", book, inode: 3, changed: Clock.nanoseconds).number > first.number)
    }
}
