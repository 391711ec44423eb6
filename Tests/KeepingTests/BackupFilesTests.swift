import Foundation
import Glibc
import OsnovaStorage
import Primitives
import TestSupport
import Testing

/// Backups of what lies beside blobs and database.
struct BackupFilesTests {
    private let work: TestStore

    init() throws { work = try TestStore() }

    private func backUpAndRestore() throws -> DataRoot {
        let backup = work.folder.path("backup")
        _ = try Backup(store: work.store, to: backup).run()
        let target = DataRoot(path: work.folder.path("target"))
        _ = try Restore(backup: backup, to: target).run()
        return target
    }

    private func modified(_ path: String) -> timespec {
        var status = stat()
        #expect(lstat(path, &status) == 0, "\(path)")
        return status.st_mtim
    }

    @Test(arguments: [(-2, 500_000_000), (-1, 0), (0, 0), (10_413_792_000, 0), (-2_147_483_648, 1)])
    func `times before 1970 and far ahead come back as far as they can be told`(seconds: Int, nanoseconds: Int) throws {
        let name = "components/file"
        let path = "\(work.root.path)/\(name)"
        try work.folder.write("root/\(name)", Data("x".utf8))
        let time = timespec(tv_sec: seconds, tv_nsec: nanoseconds)
        #expect(utimensat(AT_FDCWD, path, [time, time], 0) == 0)
        let before = modified(path)
        let after = modified("\(try backUpAndRestore().path)/\(name)")
        // Nanoseconds in 64 bits end in 2262.
        if before.tv_sec > Int64.max / 1_000_000_000 {
            #expect(after.tv_sec == Int64.max / 1_000_000_000)
        } else {
            #expect(after.tv_sec == before.tv_sec && after.tv_nsec == before.tv_nsec)
        }
    }

    @Test func `what lies behind a link in the place of a folder is backed up`() throws {
        let files = FileManager.default
        for folder in ["identity", "components", "logs"] {
            try? files.removeItem(atPath: "\(work.root.path)/\(folder)")
            let elsewhere = work.folder.path("elsewhere-\(folder)")
            try files.createDirectory(atPath: elsewhere, withIntermediateDirectories: true)
            try files.createSymbolicLink(atPath: "\(work.root.path)/\(folder)", withDestinationPath: elsewhere)
            try work.folder.write("elsewhere-\(folder)/file", Data(folder.utf8))
        }
        let target = try backUpAndRestore()
        for folder in ["identity", "components", "logs"] {
            let content = try Data(contentsOf: URL(fileURLWithPath: "\(target.path)/\(folder)/file"))
            #expect(content == Data(folder.utf8))
        }
        // A disk that is not mounted is no empty folder.
        try files.removeItem(atPath: work.folder.path("elsewhere-components"))
        let error = #expect(throws: OsnovaError.self) {
            try Backup(store: work.store, to: work.folder.path("backup")).run()
        }
        #expect(error?.kind == .notFound)
    }
}
