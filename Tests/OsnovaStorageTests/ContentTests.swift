import Catalog
import Foundation
import Primitives
import TestSupport
import Testing

@testable import OsnovaStorage

/// `forEachPiece`: what `cat` and `get` write.
@Suite struct ContentTests {
    @Test func `a content is handed out whole and in order, a file without a row too`() throws {
        let yard = try Yard()
        let content = noise((2 << 20) + 5, seed: 1)
        #expect(try yard.content(yard.put([content])[0].id) == content)
        let foreign = noise(100_000, seed: 2)
        #expect(try yard.content(yard.plant(foreign)) == foreign)
        #expect(kind { _ = try yard.content(digest(Data("elsewhere".utf8))) } == .notFound)
    }

    @Test func `what comes before the damage is sound, nothing comes after it`() throws {
        let yard = try Yard()
        let content = noise(3 << 20, seed: 3)
        let id = try yard.put([content])[0].id
        try yard.flip(id, at: (2 << 20) + 500)
        var seen = Data()
        #expect(kind { try yard.store.forEachPiece(of: id) { seen += $0 } } == .damaged)
        #expect(seen == content.prefix(seen.count) && seen.count <= 2 << 20 && seen.count >= 1 << 20)
    }

    @Test func `who takes the pieces may stop`() throws {
        let yard = try Yard()
        let id = try yard.put([noise(3 << 20, seed: 4)])[0].id
        var calls = 0
        let stopped = kind {
            try yard.store.forEachPiece(of: id) { _ in
                calls += 1
                throw OsnovaError(.cannotCreate, "the pipe is closed")
            }
        }
        #expect(stopped == .cannotCreate && calls == 1)
    }

    @Test func `every blob is listed, in the order in which they came`() throws {
        let yard = try Yard()
        let ids = try yard.put((0..<30).map { Data("\($0)".utf8) }).map(\.id)
        var listed: [ContentID] = []
        try yard.store.forEachBlob { listed.append($0.id) }
        #expect(listed == ids)
    }
}
