import Foundation
import Glibc
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

    /// What it was is returned.
    private func flip(_ id: ContentID) throws -> Data {
        let file = URL(fileURLWithPath: work.file(id))
        let sound = try Data(contentsOf: file)
        var bytes = sound
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: file)
        return sound
    }

    private func write(_ bytes: Data, _ id: ContentID) throws {
        try bytes.write(to: URL(fileURLWithPath: work.file(id)))
    }

    @Test(arguments: [false, true]) func `what was damaged when it was backed up is sound after its repair`(
        comparesAll: Bool
    ) throws {
        let id = try work.put(content, as: "a")
        let sound = try flip(id)
        let first = try backUp()
        try write(sound, id)
        let report = try Backup(store: work.store, to: backup, comparesAll: comparesAll).run()
        #expect(report.doubles == [id.hex])
        try expectRestorable(report.generation, "after the repair")
        // The damaged copy is what its generation was made with, and no more.
        #expect(try BackupGenerations(backup: backup).verify(first).isEmpty)
        let third = try Backup(store: work.store, to: backup, comparesAll: comparesAll).run()
        #expect(third.doubles.isEmpty)
        try expectRestorable(third.generation, "and once more")
        // Another damage of the same sealing, and its repair.
        var bytes = sound
        bytes[100] ^= 1
        try write(bytes, id)
        _ = try backUp()
        try write(sound, id)
        try expectRestorable(backUp(), "after the second repair")
        let files = try FileManager.default.subpathsOfDirectory(atPath: backup)
        #expect(files.count { $0.hasSuffix("\(id.hex).enc") } == 3)
    }

    @Test func `no pruning takes the last sound file of a content`() throws {
        let id = try work.put(content, as: "a")
        _ = try backUp()
        _ = try flip(id)
        _ = try backUp()
        var retention = BackupRetention()
        retention.last = 1
        #expect(try BackupGenerations(backup: backup).prune(retention).count == 1)
        let verification = Verification(store: work.store)
        let report = try Repair(store: work.store, from: RepairSource(path: backup))
            .run(verification, verification.run())
        #expect(report.isSound)
        try expectRestorable(backUp(), "what was repaired from it")
    }

    @Test func `a backup of an unchanged store reads no sealed file`() throws {
        try work.put(noise(20_000_000, seed: 1), as: "a")
        awaitNextSecond()
        _ = try backUp()
        let before = try bytesRead()
        _ = try backUp()
        #expect(try bytesRead() - before < 10_000_000)
    }

    /// Of what was changed in the second in which a backup began nothing can be told.
    private func awaitNextSecond() {
        let now = Clock.seconds
        while Clock.seconds == now { usleep(10_000) }
    }

    @Test func `a path out of the backup is not believed`() throws {
        let id = try work.put(content, as: "a")
        awaitNextSecond()
        _ = try backUp()
        try FileManager.default.copyItem(atPath: work.file(id), toPath: work.folder.path("\(id.hex).enc"))
        try BackupForgery(backup: backup).changeManifest { $0["variants"] = [id.hex: "../\(id.hex).enc"] }
        try expectRestorable(backUp(), "after a forged one")
    }

    /// What this thread has read so far, from disks or from memory.
    private func bytesRead() throws -> Int {
        let counters = try String(contentsOfFile: "/proc/thread-self/io", encoding: .utf8)
        let line = try #require(counters.split(separator: "\n").first { $0.hasPrefix("rchar: ") })
        return try #require(Int(line.dropFirst("rchar: ".count)))
    }

    @Test func `a list may be of any size, and a line of it may not`() throws {
        try work.put(content, as: "a")
        let generation = try backUp()
        let list = "\(backup)/checksums/\(generation)"
        let lines = try Data(contentsOf: URL(fileURLWithPath: list))
        #expect(truncate(list, 0) == 0 && truncate(list, 300 << 20) == 0)
        let file = try #require(FileHandle(forWritingAtPath: list))
        try file.seekToEnd()
        try file.write(contentsOf: Data("\n".utf8) + lines)
        try file.close()
        try expectRestorable(generation, "with what is no line of a list before those that are")
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
