import Catalog
import Foundation
import Primitives
import TestSupport
import Testing
import Tree

@testable import OsnovaStorage

@Suite struct CensusTests {
    private let png = Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) + noise(500, seed: 1)

    @Test func `files without a row get one, what is no blob does not, and the dead's are removed`() throws {
        let yard = try Yard()
        let ids = try (0..<5).map { try yard.plant(noise(100 + $0, seed: UInt64($0))) }
        let short = try digest(Data("short".utf8))
        try yard.folder.write("root/blobs/\(short).enc", Data(count: 27))
        for name in ["stranger", ".incoming-dead", "\(short)"] {
            try yard.folder.write("root/blobs/\(name)", Data(count: 99))
        }
        try Census(of: yard.tree()).run()
        try Census(of: yard.tree()).run()
        var listed: [ContentID] = []
        try yard.store.forEachBlob { listed.append($0.id) }
        #expect(Set(listed) == Set(ids) && listed.count == ids.count)
        #expect(try yard.sealedNames().contains(".incoming-dead") == false)
        #expect(try yard.sealedNames().contains("stranger"))
    }

    @Test func `rows find the files that came without a word, and icons get their suffix`() throws {
        let yard = try Yard()
        let (sound, damaged) = (try digest(png), try digest(Data("damaged".utf8)))
        try yard.foreign(
            """
            INSERT INTO applications(application_id, name, version, manifest_json, installed_at, icon_blob_hash)
                VALUES ('a', 'n', '1', '{}', 1, '\(sound)'), ('b', 'n', '1', '{}', 1, '\(damaged)');
            """)
        try yard.store.catalog.settle()
        let worker = try yard.tree().makeWorker()
        #expect(try worker.find("apps/a/icon.png") == nil)
        try yard.plant(png)
        try yard.plant(Data("damaged".utf8))
        try yard.flip(damaged)
        try Census(of: yard.tree()).run()
        #expect(try worker.content("apps/a/icon.png") == png)
        #expect(try worker.find("apps/b/icon") != nil, "its reader gets the reason")
        #expect(kind { _ = try worker.content("apps/b/icon") } == .damaged)
    }
}
