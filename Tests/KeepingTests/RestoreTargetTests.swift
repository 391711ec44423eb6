import Foundation
import Primitives
import SystemPackage
import TestSupport
import Testing

@testable import OsnovaStorage

/// Where a restoration may go, and who may write meanwhile.
struct RestoreTargetTests {
    private let work: TestStore
    private let backup: String

    init() throws {
        let work = try TestStore()
        backup = work.folder.path("backup")
        try work.put(noise(5000, seed: 1), as: "a")
        _ = try Backup(store: work.store, to: backup).run()
        self.work = work
    }

    private func expectBusy(_ doing: Comment, _ body: () throws -> Void) {
        let error = #expect(throws: OsnovaError.self, doing) { try body() }
        #expect(error?.kind == .busy, doing)
    }

    @Test func `nothing is restored while contents are put, and nothing is put while something is restored`() throws {
        let path = try work.folder.write("b", noise(5000, seed: 2))
        var batch: PutBatch? = try PutBatch(store: work.store)
        _ = try batch?.add(.file(FilePath(path))) { writing, row, _ in
            try writing.saveFile(at: [Array("b".utf8)], blob: row)
        }
        expectBusy("a restoration beside a put") { _ = try Restore(backup: backup, to: work.root).run() }
        #expect(try batch?.commit().isEmpty == true)
        batch = nil
        var refusals = 0
        let restore = Restore(backup: backup, to: work.root) { _ in
            guard refusals == 0 else { return }
            refusals += 1
            expectBusy("a put beside a restoration") { _ = try PutBatch(store: work.store) }
        }
        _ = try restore.run()
        #expect(refusals == 1)
        // What was opened before is not what has the path now.
        expectBusy("a put into what was replaced") { _ = try PutBatch(store: work.store) }
        let store = try Store.open(at: work.root, keys: work.keys)
        _ = try PutBatch(store: store)
        try store.close()
    }

    @Test(arguments: ["directory", "stream"]) func `nothing is restored in the middle of a backup`(kind: String) throws
    {
        var attempts = 0
        let attempt: (Int) -> Void = { _ in
            guard attempts == 0 else { return }
            attempts += 1
            expectBusy("a restoration beside a backup") { _ = try Restore(backup: backup, to: work.root).run() }
        }
        let other = work.folder.path("other")
        if kind == "directory" {
            _ = try Backup(store: work.store, to: other, onProgress: attempt).run()
        } else {
            let stream = try FileDescriptor.open(
                FilePath(other), .writeOnly, options: .create, permissions: .ownerReadWrite)
            try stream.closeAfter { _ = try BackupStream(store: work.store, onProgress: attempt).run(to: stream) }
        }
        #expect(attempts == 1)
    }

    @Test func `a restoration that was forced in the middle of a backup leaves no generation of two states`() throws {
        let other = work.folder.path("other")
        var isForced = false
        let slow = try Backup(store: work.store, to: other) { _ in
            guard !isForced else { return }
            isForced = true
            #expect(throws: Never.self) { try Restore(backup: backup, to: work.root).run(force: true) }
        }
        expectBusy("a backup of what was replaced") { _ = try slow.run() }
        #expect(try BackupGenerations(backup: other).list().isEmpty)
        expectBusy("a snapshot of what was replaced") { _ = try Snapshots(store: work.store).create("s") }
    }

    @Test func `who waited for a restoration has the lock of what it put there, not of what it replaced`() throws {
        let root = DataRoot(path: work.folder.path("busy"))
        let files = FileManager.default
        try files.createDirectory(atPath: root.path, withIntermediateDirectories: false)
        var attempts = 0
        let lock = try RootLock.lock(
            root,
            { directory in
                attempts += 1
                if attempts == 1 {
                    // Between the opening and the lock.
                    try files.moveItem(atPath: root.path, toPath: work.folder.path("replaced"))
                    try files.createDirectory(atPath: root.path, withIntermediateDirectories: false)
                }
                return try SystemCalls.tryLock(directory)
            }, orThrow: OsnovaError(.busy, "never"))
        #expect(try RootLock.isInPlace(lock, root) && attempts == 2)
    }

    @Test func `what a link leads to is replaced, not the link`() throws {
        let link = work.folder.path("link")
        let real = work.folder.path("elsewhere/real")
        _ = try Restore(backup: backup, to: DataRoot(path: real)).run()
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "elsewhere/real")
        let report = try Restore(backup: backup, to: DataRoot(path: link)).run()
        #expect(try #require(report.keptRoot).hasPrefix("\(work.folder.path("elsewhere"))/real.before-restore-"))
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "elsewhere/real")
        #expect(try work.folder.names("elsewhere").count == 2)
        try Store.open(at: DataRoot(path: link), keys: work.keys).close()
    }

    @Test func `a backup in the data root is refused, whatever link leads there`() throws {
        let link = work.folder.path("link")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: work.root.path)
        let inner = work.folder.path("inner")
        try FileManager.default.createSymbolicLink(atPath: inner, withDestinationPath: "\(work.root.path)/components")
        for path in ["\(link)/b", "\(inner)/b/c", inner, link, "\(work.root.path)/../root/b"] {
            let error = #expect(throws: OsnovaError.self, "\(path)") { _ = try Backup(store: work.store, to: path) }
            #expect(error?.kind == .usage, "\(path)")
        }
        let other = try Store.open(at: DataRoot(path: link), keys: nil)
        #expect(throws: OsnovaError.self) { _ = try Backup(store: other, to: "\(work.root.path)/b") }
        try other.close()
        _ = try Backup(store: work.store, to: "\(work.root.path)-beside").run()
    }
}
