import Foundation
import Logging
import TestSupport
import Testing

@testable import OsnovaStorage

/// Names that differ in Unicode normalisation only: equal as Swift's strings, different as names of files.
@Suite struct ExactNameTests {
    private let names = ["caf\u{E9}", "cafe\u{301}"]

    @Test func `snapshots have names of bytes`() throws {
        let yard = try Yard()
        let snapshots = Snapshots(store: yard.store)
        for name in names { #expect(try Array(snapshots.create(name).name.utf8) == Array(name.utf8)) }
        #expect(kind { _ = try snapshots.create(names[1]) } == .cannotCreate)
        try snapshots.delete(names[1])
        #expect(try snapshots.list().map { Array($0.name.utf8) } == [Array(names[0].utf8)])
        #expect(kind { try snapshots.delete(names[1]) } == .notFound)
    }

    @Test func `each component has a log of its own`() throws {
        let yard = try Yard()
        for name in names {
            try StoreLog.logger(for: yard.store.root, componentID: name).warning("from \(name.utf8.count)")
        }
        for name in names {
            let log = try String(contentsOfFile: yard.store.root.log(ofComponent: name), encoding: .utf8)
            #expect(log.contains("from \(name.utf8.count)") && log.split(separator: "\n").count == 1)
        }
    }
}
