import Foundation
import OsnovaStorage
import Primitives
import TestSupport
import Testing

/// Backups that somebody made to harm who restores them.
struct HostileBackupTests {
    private let work: TestStore
    private let victim: String
    private var forgery: BackupForgery { BackupForgery(backup: work.folder.path("backup")) }

    init() throws {
        work = try TestStore()
        victim = work.folder.path("victim")
        let files = FileManager.default
        try files.createDirectory(atPath: victim, withIntermediateDirectories: false)
        try files.setAttributes([.posixPermissions: 0o750], ofItemAtPath: victim)
        try files.createDirectory(atPath: "\(work.root.path)/components/x", withIntermediateDirectories: true)
        try work.folder.write("root/components/x/evil", Data("evil".utf8))
        try files.setAttributes([.posixPermissions: 0o6755], ofItemAtPath: "\(work.root.path)/components/x/evil")
        _ = try Backup(store: work.store, to: work.folder.path("backup")).run()
    }

    private func restore() throws -> DataRoot {
        let target = DataRoot(path: work.folder.path("target"))
        _ = try Restore(backup: work.folder.path("backup"), to: target).run()
        return target
    }

    private func permissions(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    private func expectRefusal(_ comment: Comment) throws {
        let error = #expect(throws: OsnovaError.self, comment) { try restore() }
        #expect(error?.kind == .damaged, comment)
        #expect(try work.folder.names("victim").isEmpty, comment)
        #expect(try permissions(victim) == 0o750, comment)
        #expect(try work.folder.names().filter { $0.hasPrefix("target") }.isEmpty, comment)
    }

    @Test func `a restored file runs as whoever starts it`() throws {
        #expect(try permissions("\(restore().path)/components/x/evil") == 0o755)
    }

    @Test func `a file that lies behind a link is refused`() throws {
        try forgery.changeEntry("components/x") { entry in
            entry["kind"] = "link"
            entry["target"] = victim
        }
        try expectRefusal("a link in the place of a directory")
    }

    @Test(arguments: ["identity", "logs"]) func `a link where this program writes is refused, or left out`(
        folder: String
    ) throws {
        try FileManager.default.createDirectory(
            atPath: "\(work.root.path)/\(folder)/x", withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(
            atPath: "\(work.root.path)/\(folder)/own", withDestinationPath: victim)
        try FileManager.default.removeItem(atPath: work.folder.path("backup"))
        _ = try Backup(store: work.store, to: work.folder.path("backup")).run()
        try forgery.changeEntry("\(folder)/x") { entry in
            entry["kind"] = "link"
            entry["target"] = victim
        }
        try expectRefusal("a link in \(folder)")
        let target = DataRoot(path: work.folder.path("target"))
        let report = try Restore(backup: work.folder.path("backup"), to: target).run(isPartial: true)
        #expect(report.leftOut.map(\.path) == ["\(folder)/x"], "the store's own is not in the backup")
        #expect(try !work.folder.names("target/\(folder)").contains("x"))
    }

    @Test(.timeLimit(.minutes(1)), arguments: [false, true]) func `a difference that makes a huge database is refused`(
        isSaidByManifest: Bool
    ) throws {
        let size = Int64(1) << 43
        let name = "20000101T000000Z.delta"
        let delta = Data("osnova-delta 1\n".utf8) + withUnsafeBytes(of: size.littleEndian) { Data($0) }
        try work.folder.write("backup/databases/\(name)", delta)
        let sum = try delta.withUnsafeBytes { try SHA256.digest($0) }.hex
        try forgery.changeManifest { fields in
            var database = try #require(fields["database"] as? [String: Any])
            database["delta"] = ["name": name, "size": delta.count, "sha256": sum]
            if isSaidByManifest { database["size"] = size }
            fields["database"] = database
        }
        try expectRefusal("eight tebibytes of zeros")
    }

    @Test func `a number that none can follow is refused by the next backup, which says what to do`() throws {
        try forgery.changeManifest { $0["sequence"] = Int64(1) << 53 }
        let backup = work.folder.path("backup")
        let error = #expect(throws: OsnovaError.self) { try Backup(store: work.store, to: backup).run() }
        let generations = try BackupGenerations(backup: backup).list()
        #expect(generations.count == 1 && generations[0].damage == nil)
        let path = "generations/\(generations[0].name).json"
        #expect(error?.kind == .damaged && error?.message.contains("remove \(path)") == true)
        try FileManager.default.removeItem(atPath: "\(backup)/\(path)")
        _ = try Backup(store: work.store, to: backup).run()
        #expect(try BackupGenerations(backup: backup).verify().isEmpty)
    }

    @Test func `two entries of one path are refused`() throws {
        try forgery.changeManifest { fields in
            let entries = try #require(fields["entries"] as? [[String: Any]])
            var link = try #require(entries.first { $0["path"] as? String == "components/x" })
            link["kind"] = "link"
            link["target"] = victim
            fields["entries"] = [link] + entries
        }
        try expectRefusal("a link before the directory")
        try forgery.changeManifest { fields in
            let entries = try #require(fields["entries"] as? [[String: Any]])
            fields["entries"] = Array(entries.dropFirst()) + [entries[0]]
        }
        try expectRefusal("a link after the directory")
    }

    @Test(arguments: [
        "../victim/evil", "/tmp/evil", "blobs/evil", "osnova.db", "evil", "components/../evil", "nowhere/x",
    ])
    func `a path that is none of a data root is refused`(path: String) throws {
        try forgery.changeEntry("components/x/evil") { $0["path"] = path }
        try expectRefusal("\(path)")
    }

    @Test func `names that are no text come back`() throws {
        let folder = "\(work.root.path)/components/x"
        let line = "cd '\(folder)' && mkdir $'d\\xff' && printf inner > $'d\\xff/f\\xfe' && ln -s $'d\\xff' $'l\\xfd'"
        try shell(line)
        _ = try Backup(store: work.store, to: work.folder.path("backup")).run()
        let target = try restore()
        try shell("diff -r --no-dereference '\(folder)' '\(target.path)/components/x'")
        try shell("cd '\(target.path)/components/x' && test -f $'l\\xfd/f\\xfe'")
    }

    private func shell(_ line: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", line]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(line)")
    }
}
