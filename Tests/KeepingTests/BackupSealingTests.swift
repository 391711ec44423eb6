import Foundation
import OsnovaStorage
import Primitives
import TestSupport
import Testing

/// Backups of contents that were sealed anew, and of files that a backup lost.
struct BackupSealingTests {
    private let work: TestStore
    private let backup: String
    private let content = noise(10_000, seed: 1)

    init() throws {
        work = try TestStore()
        backup = work.folder.path("backup")
    }

    private func backUp() throws -> String { try Backup(store: work.store, to: backup).run().generation }

    private func reseal(_ id: ContentID) throws {
        try FileManager.default.removeItem(atPath: work.file(id))
        try work.put(content, as: "a")
    }

    private func expectRestorable(_ generation: String, _ comment: Comment) throws {
        let findings = try BackupGenerations(backup: backup).verify(generation)
        #expect(findings.isEmpty, comment)
        let root = DataRoot(path: work.folder.path("root-\(generation)"))
        _ = try Restore(backup: backup, to: root).run(generation: generation)
        let store = try Store.open(at: root, keys: work.keys)
        #expect(try Verification(store: store).run().isSound, comment)
        try store.close()
    }

    @Test func `a blob that the backup lost and the store sealed anew is in the next generation`() throws {
        let id = try work.put(content, as: "a")
        let first = try backUp()
        let lost = "\(backup)/blobs/\(id.hex).enc"
        let old = try Data(contentsOf: URL(fileURLWithPath: lost))
        try FileManager.default.removeItem(atPath: lost)
        try reseal(id)
        let second = try backUp()
        try expectRestorable(second, "the new sealing")
        #expect(try !BackupGenerations(backup: backup).verify(first).isEmpty)
        // Somebody finds the lost file.
        try old.write(to: URL(fileURLWithPath: lost))
        try expectRestorable(first, "the old sealing")
    }

    @Test func `a blob that the backup lost and the store still has heals every generation`() throws {
        let id = try work.put(content, as: "a")
        let first = try backUp()
        try FileManager.default.removeItem(atPath: "\(backup)/blobs/\(id.hex).enc")
        try expectRestorable(backUp(), "the new one")
        try expectRestorable(first, "the old one")
    }

    @Test func `the list of a pruning is older than those after it`() throws {
        let id = try work.put(content, as: "a")
        _ = try backUp()
        try work.put(noise(100, seed: 2), as: "b")
        _ = try backUp()
        var retention = BackupRetention()
        retention.last = 1
        _ = try BackupGenerations(backup: backup).prune(retention)
        // What an earlier version did: another file under a path that the merged list names.
        try reseal(id)
        let file = "\(backup)/blobs/\(id.hex).enc"
        try FileManager.default.removeItem(atPath: file)
        try FileManager.default.copyItem(atPath: work.file(id), toPath: file)
        let lists = "\(backup)/checksums"
        let merged = try #require(FileManager.default.contentsOfDirectory(atPath: lists).first)
        let text = try String(contentsOfFile: "\(lists)/\(merged)", encoding: .utf8)
        let other = text.split(separator: "\n").filter { !$0.contains(id.hex) }.joined(separator: "\n") + "\n"
        try other.write(toFile: "\(lists)/\(merged)", atomically: true, encoding: .utf8)
        let last = try backUp()
        try text.write(toFile: "\(lists)/\(merged)", atomically: true, encoding: .utf8)
        try expectRestorable(last, "the later list")
    }
}
