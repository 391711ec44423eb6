import Catalog
import Foundation
import OsnovaStorage
import Primitives
import TestSupport
import Testing

/// Backups: generations, what they cost, what they give back, and what damages them.
struct BackupTests {
    private func backUp(_ work: TestStore) throws -> BackupReport {
        try Backup(store: work.store, to: work.folder.path("backup")).run()
    }

    /// Everything of a data root that a backup must give back, for comparison.
    private func picture(_ root: DataRoot) throws -> [String: String] {
        var picture: [String: String] = [:]
        for folder in ["blobs", "identity", "components", "logs"] {
            let files = try FileManager.default.subpathsOfDirectory(atPath: "\(root.path)/\(folder)")
            for file in files {
                let path = "\(root.path)/\(folder)/\(file)"
                let attributes = try FileManager.default.attributesOfItem(atPath: path)
                let content = (try? Data(contentsOf: URL(fileURLWithPath: path))).map { "\($0.hashValue)" } ?? "-"
                picture["\(folder)/\(file)"] = "\(attributes[.posixPermissions] ?? "") \(content)"
            }
        }
        let store = try Store.open(at: root, keys: nil)
        picture["rows"] = try store.catalog.read {
            try "\($0.statistics()) \($0.blobs(after: 0, limit: 1000).map(\.id)) \($0.components())"
        }
        try store.close()
        return picture
    }

    private func restore(_ work: TestStore, _ generation: String?, to name: String) throws -> DataRoot {
        let root = DataRoot(path: work.folder.path(name))
        _ = try Restore(backup: work.folder.path("backup"), to: root).run(generation: generation)
        return root
    }

    private func size(_ path: String) throws -> Int {
        let outcome = Process()
        outcome.executableURL = URL(fileURLWithPath: "/usr/bin/du")
        outcome.arguments = ["-sb", path]
        let pipe = Pipe()
        outcome.standardOutput = pipe
        try outcome.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        outcome.waitUntilExit()
        return try #require(Int(text.prefix { $0.isNumber }))
    }

    private func write(_ work: TestStore, _ path: String, _ content: Data, mode: Int = 0o600) throws {
        let url = URL(fileURLWithPath: "\(work.root.path)/\(path)")
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try content.write(to: url)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: url.path)
    }

    @Test func `each generation gives back the store as it was then`() throws {
        let work = try TestStore()
        for number in 0..<20 { try work.put(noise(1000 * number, seed: UInt64(number)), as: "\(number)") }
        try write(work, "identity/me/keys.cocoon", noise(200, seed: 50))
        try write(work, "components/c/v1.0/data/a b%ü", noise(3000, seed: 51), mode: 0o640)
        try FileManager.default.createSymbolicLink(
            atPath: "\(work.root.path)/components/c/current", withDestinationPath: "v1.0")
        let first = try backUp(work)
        let before = try picture(work.root)
        try work.put(noise(50_000, seed: 60), as: "new")
        try write(work, "components/c/v1.0/data/a b%ü", noise(10, seed: 52))
        try FileManager.default.removeItem(atPath: "\(work.root.path)/identity/me/keys.cocoon")
        let second = try backUp(work)
        let after = try picture(work.root)
        #expect(first.missing.isEmpty && second.missing.isEmpty && first.generation != second.generation)
        #expect(try picture(restore(work, first.generation, to: "one")) == before)
        let backup = work.folder.path("backup")
        for path in try FileManager.default.subpathsOfDirectory(atPath: backup) {
            let mode = try FileManager.default.attributesOfItem(atPath: "\(backup)/\(path)")[.posixPermissions]
            #expect((mode as? Int ?? 0o777) & 0o077 == 0, "\(path) is open to others")
        }
        let newest = try restore(work, nil, to: "two")
        #expect(try picture(newest) == after)
        let store = try Store.open(at: newest, keys: work.keys)
        #expect(try Verification(store: store).run().isSound)
    }

    @Test func `a second generation costs what is new and little of the database`() throws {
        let work = try TestStore()
        for number in 0..<300 { try work.put(noise(5000, seed: UInt64(number)), as: "folder-\(number)") }
        _ = try backUp(work)
        let before = try size(work.folder.path("backup"))
        let nothing = try backUp(work)
        // The manifest and what differs in the database.
        #expect(nothing.writtenBytes < 2000)
        try work.put(noise(100_000, seed: 1000), as: "new")
        let report = try backUp(work)
        let database = try size(work.root.database)
        #expect(report.writtenBytes < 100_028 + Int64(database / 20))
        #expect(try size(work.folder.path("backup")) - before < 100_028 + database / 20 + 8 * 4096)
    }

    @Test func `other sealings of a content are kept beside each other`() throws {
        let work = try TestStore()
        let id = try work.put(noise(1000, seed: 1), as: "a")
        let sound = try Data(contentsOf: URL(fileURLWithPath: work.file(id)))
        let first = try backUp(work)
        // Damage that looks like another sealing must not replace the sound copy.
        var bytes = sound
        bytes[0] ^= 1
        try bytes.write(to: URL(fileURLWithPath: work.file(id)))
        let second = try backUp(work)
        let one = try restore(work, first.generation, to: "one")
        let two = try restore(work, second.generation, to: "two")
        #expect(try Data(contentsOf: URL(fileURLWithPath: "\(one.blobs)/\(id.hex).enc")) == sound)
        #expect(try Data(contentsOf: URL(fileURLWithPath: "\(two.blobs)/\(id.hex).enc")) == bytes)
        let verification = Verification(store: work.store)
        let report = try Repair(store: work.store, from: RepairSource(path: work.folder.path("backup")))
            .run(verification, verification.run())
        #expect(report.isSound)
        #expect(try work.content(id) == noise(1000, seed: 1))
    }

    private enum Harm: CaseIterable {
        case flippedBlob, missingBlob, cutBlob, cutManifest, flippedManifest, newerManifest, flippedDatabase
        case flippedFile, lostChecksums, changedChecksums, newerBackup, cutMarker, lostDatabase
    }

    private func harm(_ backup: String, _ harm: Harm) throws {
        func file(_ folder: String) throws -> URL {
            let names = try FileManager.default.contentsOfDirectory(atPath: "\(backup)/\(folder)").sorted()
            return URL(fileURLWithPath: "\(backup)/\(folder)/\(names[0])")
        }
        func change(_ folder: String, _ body: (inout Data) -> Void) throws {
            let url = try file(folder)
            var bytes = try Data(contentsOf: url)
            body(&bytes)
            try bytes.write(to: url)
        }
        func changeMarker(_ body: (inout Data) -> Void) throws {
            let url = URL(fileURLWithPath: "\(backup)/osnova-backup.json")
            var bytes = try Data(contentsOf: url)
            body(&bytes)
            try bytes.write(to: url)
        }
        switch harm {
        case .flippedBlob: try change("blobs") { $0[$0.count / 2] ^= 1 }
        case .missingBlob: try FileManager.default.removeItem(at: file("blobs"))
        case .cutBlob: try change("blobs") { $0.removeLast() }
        case .cutManifest: try change("generations") { $0.removeLast(10) }
        case .flippedManifest: try change("generations") { $0[$0.count / 2] ^= 1 }
        case .newerManifest:
            try change("generations") {
                $0.replace(Data("\"osnova_backup\":1".utf8), with: Data("\"osnova_backup\":9".utf8))
            }
        case .flippedDatabase: try change("databases") { $0[$0.count / 2] ^= 1 }
        case .flippedFile: try change("files") { $0[0] ^= 1 }
        case .lostChecksums: try FileManager.default.removeItem(at: file("checksums"))
        case .changedChecksums: try change("checksums") { $0[0] = $0[0] == 0x30 ? 0x31 : 0x30 }
        case .newerBackup: try changeMarker { $0.replace(Data("\"format\":1".utf8), with: Data("\"format\":9".utf8)) }
        case .cutMarker: try changeMarker { $0.removeLast(5) }
        case .lostDatabase: try FileManager.default.removeItem(at: file("databases"))
        }
    }

    @Test(arguments: 0..<13) func `a damaged backup is refused and the data root stays as it is`(index: Int) throws {
        let work = try TestStore()
        for number in 0..<3 { try work.put(noise(1000, seed: UInt64(number)), as: "\(number)") }
        try write(work, "identity/me/keys.cocoon", noise(200, seed: 50))
        _ = try backUp(work)
        let target = try restore(work, nil, to: "target")
        let before = try picture(target)
        let harm = Harm.allCases[index]
        try self.harm(work.folder.path("backup"), harm)
        let error = #expect(throws: OsnovaError.self) { try restore(work, nil, to: "target") }
        #expect(error?.kind == .damaged, "\(harm)")
        // One line that names what is damaged, and what to do about a newer version.
        let message = try #require(error?.message)
        #expect(message.contains("backup") && !message.contains("\n"), "\(harm): \(message)")
        let isNewer = harm == .newerManifest || harm == .newerBackup
        #expect(message.contains("use a newer osnovafs") == isNewer, "\(harm): \(message)")
        #expect(try picture(target) == before)
        #expect(try work.folder.names().filter { $0.hasPrefix("target") } == ["target"])
        if ![.cutManifest, .flippedManifest, .newerManifest, .newerBackup, .cutMarker].contains(harm) {
            #expect(try BackupGenerations(backup: work.folder.path("backup")).verify().count >= 1)
        }
    }

    @Test func `a restoration keeps the old root, and refuses one in use or something else`() throws {
        let work = try TestStore()
        try work.put(noise(1000, seed: 1), as: "a")
        _ = try backUp(work)
        let root = try restore(work, nil, to: "target")
        try Data("mine".utf8).write(to: URL(fileURLWithPath: "\(root.path)/note"))
        let report = try Restore(backup: work.folder.path("backup"), to: root).run()
        let kept = try #require(report.keptRoot)
        #expect(FileManager.default.fileExists(atPath: "\(kept)/note"))
        #expect(!FileManager.default.fileExists(atPath: "\(root.path)/note"))

        let store = try Store.open(at: root, keys: nil)
        let manifest = #"{"id":"c","name":"c","version":"1.0.0","kind":"backend"}"#
        _ = try Installer(store: store).installComponent(manifest: Array(manifest.utf8), source: "m", artifact: nil)
        try store.close()
        let running =
            "INSERT INTO component_registry(component_id, version, pid, endpoint, status, started_at) "
            + "VALUES ('c', '1.0.0', \(getpid()), 'e', 'running', 1)"
        try TestStore.sql(running, in: root)
        let busy = #expect(throws: OsnovaError.self) { try restore(work, nil, to: "target") }
        #expect(busy?.kind == .busy)
        _ = try Restore(backup: work.folder.path("backup"), to: root).run(force: true)

        try FileManager.default.createDirectory(atPath: work.folder.path("other"), withIntermediateDirectories: false)
        try work.folder.write("other/file", Data())
        let error = #expect(throws: OsnovaError.self) { try restore(work, nil, to: "other") }
        #expect(error?.kind == .cannotCreate)
    }

    @Test func `pruning keeps what it is told to and what those need`() throws {
        let work = try TestStore()
        var generations: [String] = []
        for number in 0..<4 {
            let id = try work.put(noise(10_000, seed: UInt64(number)), as: "only")
            _ = try GarbageCollection(store: work.store).run(grace: 0)
            #expect(work.hasFile(id))
            generations.append(try backUp(work).generation)
        }
        let backup = work.folder.path("backup")
        var retention = BackupRetention()
        #expect(throws: OsnovaError.self) { try BackupGenerations(backup: backup).prune(retention) }
        retention.last = 2
        #expect(try BackupGenerations(backup: backup).prune(retention).map(\.name) == Array(generations[..<2]))
        #expect(try work.folder.names("backup/blobs").count == 2)
        #expect(try BackupGenerations(backup: backup).verify(generations[2]).isEmpty)
        #expect(try BackupGenerations(backup: backup).verify(generations[3]).isEmpty)
        let root = try restore(work, generations[2], to: "one")
        let store = try Store.open(at: root, keys: work.keys)
        #expect(try Verification(store: store).run().ok == 1)
        // And it goes on after that.
        #expect(try backUp(work).writtenBytes < 10_000)
    }

    @Test func `another store's backup, a data root and a folder of something else are refused`() throws {
        let work = try TestStore()
        try work.put(noise(1000, seed: 1), as: "a")
        _ = try backUp(work)
        #expect(throws: OsnovaError.self) { try Backup(store: work.store, to: "\(work.root.path)/blobs/x") }
        try FileManager.default.createDirectory(atPath: work.folder.path("full"), withIntermediateDirectories: false)
        try work.folder.write("full/file", Data())
        #expect(throws: OsnovaError.self) { try Backup(store: work.store, to: work.folder.path("full")).run() }
        try work.sql("UPDATE store SET value = zeroblob(32) WHERE key = 'key_fingerprint'")
        let error = #expect(throws: OsnovaError.self) { try backUp(work) }
        #expect(error?.kind == .denied)
    }
}
