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

    @Test(arguments: [false, true]) func `any part is read, however it lies`(isCompressed: Bool) throws {
        let yard = try Yard()
        let start = isCompressed ? Data(repeating: 7, count: 200_000) : noise(200_000, seed: 6)
        let content = start + noise(3_000_000, seed: 5)
        let id = try yard.put([content], compressing: isCompressed)[0].id
        func part(_ range: Range<Int64>) throws -> Data {
            var part = Data()
            try yard.store.forEachPiece(of: id, in: range) { part += $0 }
            return part
        }
        for range in [0..<1, 65_535..<65_537, 199_999..<200_001, 3_199_999..<3_200_000, 1_000_000..<3_100_000, 5..<5] {
            #expect(try part(Int64(range.lowerBound)..<Int64(range.upperBound)) == content[range])
        }
        #expect(try part(3_199_990..<Int64.max) == content.suffix(10))
        #expect(try part(3_200_000..<3_200_001).isEmpty && part(Int64.max - 1..<Int64.max).isEmpty)
        #expect(kind { _ = try part(-1..<1) } == .usage)
        try yard.flip(id, at: 20)
        #expect(kind { _ = try part(10..<20) } == .damaged)
        #expect(try part(3_199_990..<3_200_000) == content.suffix(10), "what is damaged elsewhere does not matter")
    }

    @Test func `a forged length cuts no part of a compressed content`() throws {
        let yard = try Yard()
        let id = try yard.put([Data(repeating: 7, count: 200_000)], compressing: true)[0].id
        try yard.foreign("UPDATE blobs SET size = 100")
        for range in [0..<Int64(10), 100..<101, 5000..<5001] {
            #expect(kind { try yard.store.forEachPiece(of: id, in: range) { _ in } } == .damaged, "\(range)")
        }
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
