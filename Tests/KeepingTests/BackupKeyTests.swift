import Foundation
import Glibc
import OsnovaStorage
import Primitives
import SystemPackage
import TestSupport
import Testing

/// A backup beside a rekey.
struct BackupKeyTests {
    /// Waiters are lines of `/proc/locks` with an arrow.
    private func isAwaited(_ inode: UInt64) throws -> Bool {
        let locks = try String(contentsOfFile: "/proc/locks", encoding: .utf8)
        return locks.split(separator: "\n").contains { $0.contains("->") && $0.contains(":\(inode) ") }
    }

    @Test func `a rekey that ends while a backup waits is in the marker and the manifest`() throws {
        let work = try TestStore()
        try work.put(noise(1000, seed: 1), as: "a")
        let blobs = try SystemCalls.open(work.root.blobs, O_RDONLY | O_DIRECTORY)
        #expect(try SystemCalls.tryLock(blobs))
        let inode = try SystemCalls.status(of: blobs).inode
        let outcome = Outcome()
        let (store, path) = (work.store, work.folder.path("backup"))
        let thread = Thread { outcome.finish(Result { try Backup(store: store, to: path).run() }) }
        thread.start()
        #expect(eventually { try isAwaited(inode) })
        try work.sql("UPDATE store SET value = x'\(String(repeating: "ab", count: 32))' WHERE key = 'key_fingerprint'")
        flock(blobs.number, LOCK_UN)
        let report = try outcome.wait().get()
        let key = String(repeating: "ab", count: 32)
        for file in ["osnova-backup.json", "generations/\(report.generation).json"] {
            #expect(
                try String(contentsOfFile: work.folder.path("backup/\(file)"), encoding: .utf8).contains(key), "\(file)"
            )
        }
    }

    private final class Outcome: @unchecked Sendable {
        private let isDone = DispatchSemaphore(value: 0)
        private var result: Result<BackupReport, any Error>?

        func finish(_ result: Result<BackupReport, any Error>) {
            self.result = result
            isDone.signal()
        }

        func wait() throws -> Result<BackupReport, any Error> {
            isDone.wait()
            return try #require(result)
        }
    }
}
