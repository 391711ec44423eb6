import Blobs
import Catalog
import Foundation
import OsnovaStorage
import Primitives
import SystemPackage
import TestSupport
import Testing

/// Every way to damage a store: all are named, none but these, and a backup heals them all.
struct RepairTests {
    private static let size = 70_000

    /// What a disk, a person or a foreign program does to a blob; some leave it sound but for its rows.
    private enum Harm: CaseIterable {
        case flippedBody, flippedNonce, flippedTag, cut, emptied, extended, swapped, removed, replacedByLink
        case forgedSize, forgedTags, lostTags, lostRow
    }

    private func harm(_ work: TestStore, _ id: ContentID, _ other: ContentID, by harm: Harm) throws {
        let url = URL(fileURLWithPath: work.file(id))
        var bytes = try Data(contentsOf: url)
        let row = "(SELECT id FROM blobs WHERE sha256 = '\(id.hex)')"
        switch harm {
        case .flippedBody: bytes[30_000] ^= 1
        case .flippedNonce: bytes[3] ^= 0x80
        case .flippedTag: bytes[bytes.count - 1] ^= 1
        case .cut: bytes.removeLast()
        case .emptied: bytes = Data()
        case .extended: bytes.append(0)
        case .swapped: bytes = try Data(contentsOf: URL(fileURLWithPath: work.file(other)))
        case .removed: return try FileManager.default.removeItem(at: url)
        case .replacedByLink:
            try FileManager.default.removeItem(at: url)
            return try FileManager.default.createSymbolicLink(atPath: url.path, withDestinationPath: "/dev/zero")
        case .forgedSize: return try work.sql("UPDATE blobs SET size = size + 1 WHERE sha256 = '\(id.hex)'")
        case .forgedTags:
            return try work.sql("UPDATE blob_tags SET tags = zeroblob(32) WHERE position >> 16 = \(row)")
        case .lostTags: return try work.sql("DELETE FROM blob_tags WHERE position >> 16 = \(row)")
        case .lostRow:
            return try work.sql(
                """
                DELETE FROM nodes WHERE blob = \(row);
                DELETE FROM blob_tags WHERE position >> 16 = \(row);
                DELETE FROM blobs WHERE sha256 = '\(id.hex)'
                """)
        }
        try bytes.write(to: url)
    }

    private func filledStore(_ count: Int) throws -> (TestStore, [ContentID]) {
        let work = try TestStore()
        let batch = try PutBatch(store: work.store)
        var ids: [ContentID] = []
        for number in 0..<count {
            let path = try work.folder.write("source", noise(Self.size, seed: UInt64(number)))
            ids.append(
                try batch.add(.file(.init(path))) { writing, row, _ in
                    try writing.saveFile(at: [Array("\(number)".utf8)], blob: row)
                })
        }
        #expect(try batch.commit().isEmpty)
        return (work, ids)
    }

    @Test func `verify names what is damaged and nothing else, and a backup heals it all`() throws {
        let (work, ids) = try filledStore(60)
        let copy = work.folder.path("copy")
        try FileManager.default.copyItem(atPath: work.root.blobs, toPath: copy)
        var bad: [String] = []
        for (number, harm) in Harm.allCases.enumerated() {
            try self.harm(work, ids[number * 3], ids[number * 3 + 1], by: harm)
            bad.append(ids[number * 3].hex)
        }
        let verification = Verification(store: work.store)
        let report = try verification.run()
        let named = report.damaged.map(\.sha256) + report.missing + report.untracked
        #expect(named.sorted() == bad.sorted())
        #expect(report.checked == 59 && report.ok == 60 - Harm.allCases.count + 1)

        let repaired = try Repair(store: work.store, from: RepairSource(path: copy)).run(verification, report)
        #expect(repaired.isSound && repaired.quarantined.isEmpty)
        #expect(repaired.repaired.map(\.sha256).sorted() == bad.sorted())
        let after = try Verification(store: work.store).run()
        #expect(after.isSound && after.ok == 60 && after.untracked.isEmpty)
        for (number, id) in ids.enumerated() {
            #expect(try work.content(id) == noise(Self.size, seed: UInt64(number)))
        }
    }

    @Test func `what nothing can save is kept in quarantine, byte for byte`() throws {
        let (work, ids) = try filledStore(3)
        try harm(work, ids[1], ids[0], by: .flippedBody)
        let damaged = try Data(contentsOf: URL(fileURLWithPath: work.file(ids[1])))
        let verification = Verification(store: work.store)
        // A source whose own copy is damaged is no help, and is not believed.
        let report = try Repair(store: work.store, from: RepairSource(path: work.root.blobs))
            .run(verification, verification.run())
        #expect(!report.isSound)
        #expect(report.quarantined == ["\(work.root.path)/quarantine/\(ids[1].hex).enc"])
        #expect(try Data(contentsOf: URL(fileURLWithPath: report.quarantined[0])) == damaged)
        let after = try Verification(store: work.store).run()
        #expect(after.missing == [ids[1].hex] && after.damaged.isEmpty && after.ok == 2)
    }

    /// No file can be renamed over one; nothing in it is deleted.
    @Test(arguments: [nil, 1])
    func `a directory in the place of a file is put away, and the file fetched`(since seconds: Int64?) throws {
        let (work, ids) = try filledStore(2)
        _ = try Backup(store: work.store, to: work.folder.path("backup")).run()
        for id in ids { try FileManager.default.removeItem(atPath: work.file(id)) }
        let place = work.file(ids[0])
        try FileManager.default.createDirectory(atPath: "\(place)/inner", withIntermediateDirectories: true)
        let verification = Verification(store: work.store, scope: VerificationScope(notVerifiedSince: seconds))
        let found = try verification.run()
        #expect(found.damaged.map(\.sha256) == [ids[0].hex] && found.missing == [ids[1].hex])
        let report = try Repair(store: work.store, from: RepairSource(path: work.folder.path("backup")))
            .run(verification, found)
        #expect(report.isSound && Set(report.repaired.map(\.sha256)) == Set(ids.map(\.hex)), "\(report)")
        #expect(FileManager.default.fileExists(atPath: "\(work.root.path)/quarantine/\(ids[0]).enc/inner"))
        #expect(try Verification(store: work.store).run().isSound)
    }

    @Test func `what was put again between verification and repair stays`() throws {
        let (work, ids) = try filledStore(3)
        try harm(work, ids[1], ids[0], by: .flippedBody)
        let verification = Verification(store: work.store)
        let report = try verification.run()
        #expect(report.damaged.map(\.sha256) == [ids[1].hex])
        let batch = try PutBatch(store: work.store)
        try batch.add(.file(.init(work.folder.write("again", noise(Self.size, seed: 1))))) { _, _, _ in }
        #expect(try batch.commit().isEmpty)
        let repaired = try Repair(store: work.store, from: nil).run(verification, report)
        #expect(repaired.isSound && repaired.quarantined.isEmpty)
        #expect(try work.content(ids[1]) == noise(Self.size, seed: 1))
    }

    @Test func `a damaged file that others may look at is put away like any other`() throws {
        let (work, ids) = try filledStore(2)
        try harm(work, ids[0], ids[1], by: .flippedBody)
        for id in ids { #expect(chmod(work.file(id), 0o644) == 0) }
        let verification = Verification(store: work.store)
        let report = try Repair(store: work.store, from: nil).run(verification, verification.run())
        let kept = try #require(report.quarantined.first)
        #expect(report.quarantined.count == 1 && report.openToOthers.isEmpty)
        for path in [kept, work.file(ids[1])] {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600, "\(path)")
        }
    }

    /// A verification may take hours, and collections go on beside it.
    @Test func `what was collected between verification and repair is nobody's, and stays gone`() throws {
        let (work, ids) = try filledStore(5)
        let backup = work.folder.path("backup")
        _ = try Backup(store: work.store, to: backup).run()
        try work.sql("DELETE FROM nodes WHERE blob IN (SELECT id FROM blobs WHERE sha256 <> '\(ids[4].hex)')")
        for (id, how) in zip(ids, [Harm.lostRow, .forgedTags, .flippedBody, .removed, .flippedBody]) {
            try harm(work, id, ids[4], by: how)
        }
        #expect(chmod(work.file(ids[0]), 0o644) == 0)
        let verification = Verification(store: work.store)
        let found = try verification.run()
        #expect(found.untracked == [ids[0].hex] && found.damaged.count == 3 && found.missing == [ids[3].hex])
        #expect(try GarbageCollection(store: work.store).run(grace: 0).removed.count == 4)
        let report = try Repair(store: work.store, from: RepairSource(path: backup)).run(verification, found)
        #expect(report.isSound && report.untracked.isEmpty && report.repaired.map(\.sha256) == [ids[4].hex])
        #expect(ids.filter(work.hasFile) == [ids[4]])
        #expect(try Verification(store: work.store).run().checked == 1)
    }

    @Test func `a verification that was interrupted leaves out what it had verified`() throws {
        let (work, ids) = try filledStore(5)
        let start = Clock.seconds
        try work.sql("UPDATE blobs SET verified_at = 1000 WHERE sha256 = '\(ids[2].hex)'")
        let scope = VerificationScope(notVerifiedSince: start)
        // A put verifies what it seals: those four are new enough.
        #expect(try Verification(store: work.store, scope: scope).run().checked == 1)
        #expect(try Verification(store: work.store, scope: scope).run().checked == 0)
        try FileManager.default.removeItem(atPath: work.file(ids[0]))
        #expect(try Verification(store: work.store, scope: scope).run().missing == [ids[0].hex])
    }

    @Test func `a sample reads some and misses no file that is gone`() throws {
        let (work, ids) = try filledStore(200)
        try FileManager.default.removeItem(atPath: work.file(ids[7]))
        let report = try Verification(store: work.store, scope: VerificationScope(fraction: 0.2)).run()
        // 40 of 200 by chance: outside of 5…100 once in 10^10 runs at most.
        #expect((5...100).contains(report.checked))
        #expect(report.missing == [ids[7].hex])
    }

    @Test func `what others may look at is told and closed`() throws {
        let (work, ids) = try filledStore(2)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: work.file(ids[0]))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: work.root.blobs)
        let verification = Verification(store: work.store)
        let report = try verification.run()
        #expect(report.openToOthers == [work.root.blobs, work.file(ids[0])])
        #expect(report.isSound)
        _ = try Repair(store: work.store, from: nil).run(verification, report)
        #expect(try Verification(store: work.store).run().openToOthers.isEmpty)
    }

    @Test func `a folder that is a link is as private as what it leads to`() throws {
        let (work, _) = try filledStore(1)
        let elsewhere = work.folder.path("elsewhere")
        try FileManager.default.moveItem(atPath: work.root.blobs, toPath: elsewhere)
        try FileManager.default.createSymbolicLink(atPath: work.root.blobs, withDestinationPath: elsewhere)
        #expect(try Verification(store: work.store).run().openToOthers.isEmpty)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: elsewhere)
        let verification = Verification(store: work.store)
        let report = try verification.run()
        #expect(report.openToOthers == [work.root.blobs])
        _ = try Repair(store: work.store, from: nil).run(verification, report)
        #expect(try Verification(store: work.store).run().openToOthers.isEmpty)
    }

    @Test(.enabled(if: RepairTests.otherDisk != nil, "SKIPPED: there is one disk only"))
    func `what nothing can save goes to quarantine from another disk`() throws {
        let (work, ids) = try filledStore(3)
        let elsewhere = "\(try #require(Self.otherDisk))/osnovafs-test-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: elsewhere) }
        try FileManager.default.moveItem(atPath: work.root.blobs, toPath: elsewhere)
        try FileManager.default.createSymbolicLink(atPath: work.root.blobs, withDestinationPath: elsewhere)
        let store = try Store.open(at: work.root, keys: work.keys)
        try harm(work, ids[0], ids[1], by: .flippedBody)
        try harm(work, ids[1], ids[0], by: .replacedByLink)
        try harm(work, ids[2], ids[0], by: .lostTags)
        let damaged = try Data(contentsOf: URL(fileURLWithPath: work.file(ids[0])))
        let verification = Verification(store: store)
        let report = try Repair(store: store, from: nil).run(verification, verification.run())
        #expect(report.quarantined == ["\(work.root.path)/quarantine/\(ids[0].hex).enc"])
        #expect(try Data(contentsOf: URL(fileURLWithPath: report.quarantined[0])) == damaged)
        #expect(!work.hasFile(ids[0]))
        #expect(report.damaged.filter { $0.reason.contains("stays where it is") }.map(\.sha256) == [ids[1].hex])
        #expect(report.repaired.map(\.sha256) == [ids[2].hex], "one that stays keeps nobody from repairing the rest")
    }

    /// A directory that is not on the disk of temporary folders.
    private static let otherDisk = ["/dev/shm", "/var/tmp"].first { path in
        let disks = [path, FileManager.default.temporaryDirectory.path].map { try? SystemCalls.status($0).device }
        return disks[0] != nil && disks[0] != disks[1]
    }

    @Test func `what cannot be looked at again is not put away`() throws {
        let (work, ids) = try filledStore(2)
        try harm(work, ids[1], ids[0], by: .flippedBody)
        let verification = Verification(store: work.store)
        let report = try verification.run()
        #expect(report.damaged.map(\.sha256) == [ids[1].hex])
        // It is put again, and sealed under a key that this store has not heard of.
        let other = try work.open(work.keys)
        let batch = try PutBatch(store: other)
        try batch.add(.file(.init(work.folder.write("again", noise(Self.size, seed: 1))))) { _, _, _ in }
        #expect(try batch.commit().isEmpty)
        #expect(try work.rekey(TestStore.keys(7)).isSound)
        #expect(kind { _ = try Repair(store: work.store, from: nil).run(verification, report) } == .denied)
        #expect(work.hasFile(ids[1]))
    }
}
