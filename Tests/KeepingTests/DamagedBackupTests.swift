import Foundation
import Primitives
import TestSupport
import Testing

@testable import OsnovaStorage

/// What can be had of a backup that a disk damaged, and how it heals.
struct DamagedBackupTests {
    private let work: TestStore
    private let backup: String
    private let ids: [ContentID]
    private let generation: String

    init() throws {
        let work = try TestStore()
        backup = work.folder.path("backup")
        ids = try (0..<4).map { try work.put(noise(5000, seed: UInt64($0)), as: "\($0)") }
        try work.folder.write("root/identity/sound", Data("sound".utf8))
        try work.folder.write("root/identity/lost", Data("lost".utf8))
        generation = try Backup(store: work.store, to: backup).run().generation
        self.work = work
    }

    private func file(_ id: ContentID) -> URL { URL(fileURLWithPath: "\(backup)/blobs/\(id.hex).enc") }

    private func flip(_ url: URL) throws {
        var bytes = try Data(contentsOf: url)
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: url)
    }

    private func damage() throws {
        try flip(file(ids[1]))
        try FileManager.default.removeItem(at: file(ids[2]))
        let sum = try Data("lost".utf8).withUnsafeBytes { try SHA256.digest($0) }
        try flip(URL(fileURLWithPath: "\(backup)/files/\(sum.hex)"))
    }

    @Test(arguments: [false, true]) func `a partial restoration leaves out what is damaged and nothing else`(
        fromStream: Bool
    ) throws {
        try damage()
        var source = BackupSource.directory(backup)
        if fromStream {
            source = .command("tar -C '\(backup)' -cf - $(ls '\(backup)' | grep -v generations) generations")
        }
        let root = DataRoot(path: work.folder.path("target"))
        #expect(throws: OsnovaError.self) { try Restore(from: source, to: root).run() }
        #expect(!root.hasDatabase)
        let report = try Restore(from: source, to: root).run(isPartial: true)
        #expect(
            report.leftOut.map(\.path).sorted() == [ids[1], ids[2]].map { "blobs/\($0.hex).enc" }.sorted() + [
                "identity/lost"
            ])
        #expect(report.blobs == 2)
        let store = try Store.open(at: root, keys: work.keys)
        let verified = try Verification(store: store).run()
        #expect(verified.ok == 2 && verified.damaged.isEmpty)
        #expect(Set(verified.missing) == Set([ids[1].hex, ids[2].hex]))
        try store.close()
        #expect(try Data(contentsOf: URL(fileURLWithPath: "\(root.path)/identity/sound")) == Data("sound".utf8))
        #expect(!FileManager.default.fileExists(atPath: "\(root.path)/identity/lost"))
        #expect(try work.folder.names("target/blobs").count == 2)
    }

    @Test(arguments: [S_IFLNK, S_IFSOCK, S_IFIFO]) func `what is no file in the place of one is damage`(type: mode_t)
        throws
    {
        func replace(_ path: String) throws {
            try FileManager.default.moveItem(atPath: path, toPath: work.folder.path(UUID().uuidString))
            #expect((type == S_IFLNK ? symlink("/dev/zero", path) : mknod(path, type | 0o600, 0)) == 0)
        }
        let sum = try Data("lost".utf8).withUnsafeBytes { try SHA256.digest($0) }
        for path in [file(ids[1]).path, "\(backup)/files/\(sum.hex)"] { try replace(path) }
        #expect(try BackupGenerations(backup: backup).verify().count == 2)
        let root = DataRoot(path: work.folder.path("target"))
        let report = try Restore(backup: backup, to: root).run(isPartial: true)
        #expect(Set(report.leftOut.map(\.path)) == ["blobs/\(ids[1].hex).enc", "identity/lost"])
        try replace(work.file(ids[0]))
        #expect(try Backup(store: work.store, to: work.folder.path("other")).run().missing == [ids[0].hex])
    }

    @Test(arguments: ["lost", "damaged"])
    func `without checksum lists a partial restoration takes sealed files as they are`(
        _ how: String
    ) throws {
        try damage()
        let lists = "\(backup)/checksums"
        for name in try FileManager.default.contentsOfDirectory(atPath: lists) {
            let list = URL(fileURLWithPath: "\(lists)/\(name)")
            if how == "lost" { try FileManager.default.removeItem(at: list) } else { try flip(list) }
        }
        let root = DataRoot(path: work.folder.path("target"))
        let failure = #expect(throws: OsnovaError.self) { try Restore(backup: backup, to: root).run() }
        #expect(failure?.kind == .damaged && failure?.message.contains("--partial") == true)
        let report = try Restore(backup: backup, to: root).run(isPartial: true)
        #expect(report.isUnchecked)
        #expect(report.leftOut.map(\.path).sorted() == ["blobs/\(ids[2].hex).enc", "identity/lost"])
        let store = try Store.open(at: root, keys: work.keys)
        let verified = try Verification(store: store).run()
        #expect(verified.ok == 2 && verified.damaged.map(\.sha256) == [ids[1].hex])
        #expect(verified.missing == [ids[2].hex])
        try store.close()
    }

    @Test func `a folder of a killed run is removed by the next one, that of a living one stays`() throws {
        let parent = work.folder.path("scratch")
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: false)
        func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: parent).sorted() }
        try FileManager.default.createDirectory(atPath: "\(parent)/a-killed/deep", withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: "\(parent)/other", withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(atPath: "\(parent)/a-link", withDestinationPath: "other")
        let first = try LockedFolder(in: parent, prefix: "a-")
        do {
            let second = try LockedFolder(in: parent, prefix: "a-")
            let both = [first, second].map { URL(fileURLWithPath: $0.path).lastPathComponent }
            #expect(try names() == (both + ["a-link", "other"]).sorted())
        }
        #expect(try names() == [URL(fileURLWithPath: first.path).lastPathComponent, "a-link", "other"].sorted())
    }

    @Test func `a backup heals from the store that it is of`() throws {
        try damage()
        let healed = try BackupHealing(store: work.store, backup: backup).run(generation)
        #expect(healed.count == 3)
        #expect(try BackupGenerations(backup: backup).verify(generation).isEmpty)
        #expect(try BackupHealing(store: work.store, backup: backup).run(generation).isEmpty)
    }

    @Test func `what the store has otherwise by now heals nothing`() throws {
        try flip(file(ids[0]))
        let damaged = try Data(contentsOf: file(ids[0]))
        try flip(URL(fileURLWithPath: work.file(ids[0])))
        var bytes = try Data(contentsOf: URL(fileURLWithPath: work.file(ids[0])))
        bytes[40] ^= 1
        try bytes.write(to: URL(fileURLWithPath: work.file(ids[0])))
        #expect(try BackupHealing(store: work.store, backup: backup).run(generation).isEmpty)
        #expect(try Data(contentsOf: file(ids[0])) == damaged)
    }
}
