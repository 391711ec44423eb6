import Foundation
import OsnovaStorage
import Primitives
import TestSupport
import Testing

/// What else may lie in the directory of a backup, and what one damaged manifest may not hinder.
struct BackupPlaceTests {
    private let work: TestStore
    private var backup: String { work.folder.path("backup") }

    init() throws {
        work = try TestStore()
        try work.put(noise(10_000, seed: 1), as: "a")
    }

    private func backUp() throws -> BackupReport { try Backup(store: work.store, to: backup).run() }

    private func write(_ path: String, _ content: String = "mine") throws {
        let url = URL(fileURLWithPath: work.folder.path(path))
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(content.utf8).write(to: url)
    }

    private func restore(_ generation: String?, to name: String) throws -> RestoreReport {
        try Restore(backup: backup, to: DataRoot(path: work.folder.path(name))).run(generation: generation)
    }

    // MARK: What a person has there

    @Test(arguments: ["databases/pg.new", "files/thesis.txt", "blobs/x", "generations/notes.json"])
    func `a directory that only looks like a backup is refused and stays as it is`(file: String) throws {
        try write("backup/\(file)")
        let error = #expect(throws: OsnovaError.self) { try backUp() }
        #expect(error?.kind == .cannotCreate)
        #expect(
            try FileManager.default.subpathsOfDirectory(atPath: backup).sorted() == [
                String(file.split(separator: "/")[0]), file,
            ])
    }

    @Test func `a first run that was cut off goes on`() throws {
        for name in ["blobs", "databases"] {
            try FileManager.default.createDirectory(atPath: "\(backup)/\(name)", withIntermediateDirectories: true)
        }
        try write("backup/.incoming-osnova-backup.json")
        _ = try backUp()
        #expect(try !FileManager.default.contentsOfDirectory(atPath: backup).contains { $0.hasPrefix(".") })
        #expect(try BackupGenerations(backup: backup).verify().isEmpty)
    }

    @Test func `neither a backup nor a pruning removes what it did not make`() throws {
        _ = try backUp()
        let mine = [
            "files/thesis.txt", "databases/pg.new", "databases/pg.db", "checksums/SUMS", "generations/my.json",
            "my.new", "other-sealings/notes.txt", "other-sealings/link/\(String(repeating: "0", count: 64)).enc",
        ]
        // A folder elsewhere, such as that of a store.
        try FileManager.default.createDirectory(
            atPath: work.folder.path("elsewhere"), withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(
            atPath: "\(backup)/other-sealings/link", withDestinationPath: work.folder.path("elsewhere"))
        for file in mine { try write("backup/\(file)") }
        try work.put(noise(10_000, seed: 2), as: "a")
        _ = try backUp()
        var retention = BackupRetention()
        retention.last = 1
        #expect(try BackupGenerations(backup: backup).prune(retention).count == 1)
        for file in mine { #expect(FileManager.default.fileExists(atPath: "\(backup)/\(file)"), "\(file)") }
        #expect(try BackupGenerations(backup: backup).list().count == 1)
        #expect(try BackupGenerations(backup: backup).verify().isEmpty)
    }

    // MARK: Damaged manifests

    private func manifest(_ generation: String) -> URL {
        URL(fileURLWithPath: "\(backup)/generations/\(generation).json")
    }

    private func damage(_ generation: String) throws {
        var bytes = try Data(contentsOf: manifest(generation))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: manifest(generation))
    }

    @Test func `a damaged manifest hinders no other generation`() throws {
        let generations = try (0..<3).map { _ in try backUp().generation }
        try damage(generations[1])
        let listed = try BackupGenerations(backup: backup).list()
        #expect(listed.map(\.name) == generations)
        #expect(listed.map { $0.damage != nil } == [false, true, false])
        #expect(try restore(generations[0], to: "first").generation == generations[0])
        #expect(try restore(nil, to: "newest").generation == generations[2])
        let error = #expect(throws: OsnovaError.self) { try restore(generations[1], to: "none") }
        #expect(error?.kind == .damaged)
        #expect(try BackupGenerations(backup: backup).verify(generations[1]).count == 1)
        // The next one passes over it, says so, and does not take its name.
        let next = try backUp()
        #expect(next.damaged.count == 1 && next.damaged[0].contains(generations[1]))
        #expect(!generations.contains(next.generation))
        #expect(try BackupGenerations(backup: backup).verify().isEmpty)
    }

    @Test func `where the newest may be the damaged one, the older one must be asked for`() throws {
        let generations = try (0..<2).map { _ in try backUp().generation }
        try damage(generations[1])
        let error = try #require(throws: OsnovaError.self) { try restore(nil, to: "target") }
        #expect(error.kind == .damaged && error.message.contains("--generation \(generations[0])"), "\(error.message)")
        #expect(try restore(generations[0], to: "target").generation == generations[0])
    }

    @Test func `a pruning removes a damaged generation that its rule does not keep, and else nothing`() throws {
        let generations = try (0..<3).map { _ in try backUp().generation }
        try damage(generations[1])
        var retention = BackupRetention()
        retention.last = 2
        let error = #expect(throws: OsnovaError.self) { try BackupGenerations(backup: backup).prune(retention) }
        #expect(error?.kind == .damaged)
        #expect(try BackupGenerations(backup: backup).list().map(\.name) == generations)
        retention.last = 1
        #expect(try BackupGenerations(backup: backup).prune(retention).map(\.name) == Array(generations[..<2]))
        #expect(try BackupGenerations(backup: backup).verify().isEmpty)
    }

    /// Replaces words of a manifest and gives it the SHA-256 that it then has.
    private func forge(_ generation: String, _ pattern: String, _ replacement: String) throws {
        let lines = try String(contentsOf: manifest(generation), encoding: .utf8).split(separator: "\n")
        let body = lines[1].replacingOccurrences(of: pattern, with: replacement, options: .regularExpression) + "\n"
        #expect(body != lines[1] + "\n")
        let digest = try Array(body.utf8).withUnsafeBytes { try SHA256.digest($0) }
        try Data("{\"osnova_backup\":1,\"sha256\":\"\(digest.hex)\"}\n\(body)".utf8).write(to: manifest(generation))
    }

    @Test(arguments: [
        ("\"sequence\":1", "\"sequence\":9223372036854775807"), ("\"sequence\":1", "\"sequence\":-1"),
        ("\"blob_bytes\":[0-9]+", "\"blob_bytes\":9223372036854775807"),
        ("\"created\":[0-9]+", "\"created\":-9223372036854775808"),
        ("\"generation\":\"[^\"]+\"", "\"generation\":\"20200101T000000Z\""),
    ])
    func `numbers and names that cannot be are damage and no crash`(pattern: String, replacement: String) throws {
        let generation = try backUp().generation
        try forge(generation, pattern, replacement)
        let listed = try BackupGenerations(backup: backup).list()
        #expect(listed.map(\.name) == [generation] && listed[0].damage?.contains("malformed") == true)
        _ = try backUp()
    }

    // MARK: What is written

    @Test func `the bytes that are told are all that a generation adds`() throws {
        func files() throws -> [String: Int] {
            var sizes: [String: Int] = [:]
            for path in try FileManager.default.subpathsOfDirectory(atPath: backup) {
                let attributes = try FileManager.default.attributesOfItem(atPath: "\(backup)/\(path)")
                if attributes[.type] as? FileAttributeType == .typeRegular { sizes[path] = attributes[.size] as? Int }
            }
            return sizes
        }
        _ = try backUp()
        let before = try files()
        try work.put(noise(20_000, seed: 3), as: "b")
        let report = try backUp()
        let added = try files().filter { before[$0.key] == nil }.values.reduce(0, +)
        #expect(Int(report.writtenBytes + report.sharedBytes) == added)
    }
}
