import Foundation
import TestSupport
import Testing

/// A folder with a data root `root` and a phrase, in which commands run, are killed, and are run again.
struct CrashFolder {
    static let unlocking = ["--phrase-file", "phrase"]

    let url: URL

    /// Makes a folder that holds an empty store.
    init(making url: URL) throws {
        self.url = url
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        try write("phrase", Data((Workspace.words + "\n").utf8))
        try expect(["init"] + Self.unlocking)
    }

    init(_ url: URL) { self.url = url }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    func write(_ name: String, _ content: Data) throws {
        let file = url.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try content.write(to: file)
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(at: url.appendingPathComponent(name)) }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

    func names(_ name: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path(name)).sorted()
    }

    // MARK: Commands

    /// Runs the program over the data root; killed at a point if one is given.
    func run(_ arguments: [String], crashAt point: Int? = nil) throws -> Program.Outcome {
        var environment = ["OSNOVA_DATA_ROOT": path("root")]
        if let point { environment["OSNOVAFS_CRASH_AT"] = "\(point)" }
        return try Program.run(Program.path, arguments, in: url, environment: environment)
    }

    /// Runs the program and demands that it succeeds.
    @discardableResult
    func expect(_ arguments: [String], _ place: String = "before", at location: SourceLocation = #_sourceLocation)
        throws
        -> Program.Outcome
    {
        let outcome = try run(arguments)
        #expect(
            outcome.code == 0, "\(place): \(arguments.joined(separator: " ")): \(outcome.text) \(outcome.errors)",
            sourceLocation: location)
        return outcome
    }

    /// Puts what is in a folder and returns the SHA-256 of each content.
    @discardableResult
    func put(_ name: String) throws -> [String] {
        Self.hashes(try expect(["put", "-r", name] + Self.unlocking))
    }

    static func hashes(_ outcome: Program.Outcome) -> [String] { outcome.lines.map { String($0.prefix(64)) } }

    // MARK: Looking

    /// The store is sound, and some contents are in it.
    func check(
        _ hashes: [String], _ place: String, by unlocking: [String] = unlocking,
        at location: SourceLocation = #_sourceLocation
    ) throws {
        let verified = try expect(["verify", "--json"] + unlocking, place, at: location)
        let report = try #require(verified.json() as? [String: Any], sourceLocation: location)
        #expect(
            report["database"] as? String == "ok", "\(place): \(report["database"] ?? "")", sourceLocation: location)
        for hash in hashes {
            let outcome = try run(["cat", hash] + unlocking)
            #expect(outcome.code == 0, "\(place): \(hash) is lost: \(outcome.errors)", sourceLocation: location)
        }
    }

    /// Nothing lies in the data root that no finished command leaves there, once another command has begun.
    func checkStrays(_ place: String, at location: SourceLocation = #_sourceLocation) throws {
        try expect(["gc"], place, at: location)
        let paths = try FileManager.default.subpathsOfDirectory(atPath: path("root"))
        let snapshots = try snapshotFolders()
        let strays = paths.filter { path in
            let name = (path as NSString).lastPathComponent
            let parts = path.split(separator: "/")
            return name.hasPrefix(".") || name.contains(".osnovafs-copy") || name.contains(/\.before-v\d+\.\d/)
                || (parts.count > 1 && parts[0] == "snapshots" && !snapshots.contains(String(parts[1])))
        }
        #expect(strays.isEmpty, "\(place): \(strays)", sourceLocation: location)
    }

    private func snapshotFolders() throws -> Set<String> {
        Set(try sqlite("SELECT folder FROM snapshots").split(separator: "\n").map(String.init))
    }

    /// What plain SQLite finds in the database.
    func sqlite(_ sql: String) throws -> String {
        let outcome = try Program.run("/usr/bin/sqlite3", [path("root/osnova.db"), sql])
        #expect(outcome.code == 0, "\(sql): \(outcome.errors)")
        return outcome.text.trimmingCharacters(in: .newlines)
    }
}
