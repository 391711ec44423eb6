import Foundation
import TestSupport
import Testing

/// The built program, run as a child as a person would run it.
enum Program {
    struct Outcome {
        let code: Int32
        let output: Data
        let errors: String

        var text: String { String(decoding: output, as: UTF8.self) }
        var lines: [Substring] { text.split(separator: "\n") }

        func json() throws -> Any { try JSONSerialization.jsonObject(with: output) }
    }

    /// `$OSNOVAFS_PROGRAM`, else what this package built.
    static var path: String {
        if let given = ProcessInfo.processInfo.environment["OSNOVAFS_PROGRAM"] { return given }
        return repository.appendingPathComponent(".build/debug/osnovafs").path
    }

    static var repository: URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
    }

    /// Runs a program to its end.
    @discardableResult
    static func run(
        _ program: String, _ arguments: [String], input: Data? = nil, in directory: URL? = nil,
        environment: [String: String] = [:]
    ) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.currentDirectoryURL = directory
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("osnovafs-run-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // Files instead of pipes: a background driver must not be able to hold a pipe open.
        func file(_ name: String, _ content: Data = Data()) throws -> FileHandle {
            let url = folder.appendingPathComponent(name)
            try content.write(to: url)
            return try FileHandle(forUpdating: url)
        }
        process.standardInput = try file("in", input ?? Data())
        process.standardOutput = try file("out")
        process.standardError = try file("err")
        try process.run()
        process.waitUntilExit()
        let errors = try Data(contentsOf: folder.appendingPathComponent("err"))
        return Outcome(
            code: process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus,
            output: try Data(contentsOf: folder.appendingPathComponent("out")),
            errors: String(decoding: errors, as: UTF8.self))
    }

    /// Runs a shell command line to its end.
    @discardableResult
    static func shell(_ line: String, in directory: URL? = nil) throws -> Outcome {
        try run("/bin/bash", ["-c", line], in: directory)
    }
}

/// A directory with a data root, a phrase and a mount point, gone when the test is.
final class Workspace {
    static let words = Array(repeating: "abandon", count: 11).joined(separator: " ") + " about"
    static let otherWords = "legal winner thank year wave sausage worth useful legal winner thank yellow"

    let folder: URL
    let root: URL
    let phraseFile: URL
    let mountpoint: URL

    init(initialize: Bool = true) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("osnovafs-test-\(UUID().uuidString)")
        root = folder.appendingPathComponent("root")
        phraseFile = folder.appendingPathComponent("phrase")
        mountpoint = folder.appendingPathComponent("mnt")
        try FileManager.default.createDirectory(at: mountpoint, withIntermediateDirectories: true)
        try Data((Self.words + "\n").utf8).write(to: phraseFile)
        if initialize { try expect(0, ["init"] + unlocking) }
    }

    deinit {
        // Lazily: what failed may still hold a file open. Always: a test may have mounted by itself.
        _ = try? Program.run("/usr/bin/umount", ["--lazy", mountpoint.path])
        try? FileManager.default.removeItem(at: folder)
    }

    var unlocking: [String] { ["--phrase-file", phraseFile.path] }

    /// Runs the program over this data root.
    @discardableResult
    func run(
        _ arguments: [String], input: Data? = nil, in directory: URL? = nil, environment: [String: String] = [:]
    ) throws -> Program.Outcome {
        try Program.run(
            Program.path, arguments, input: input, in: directory ?? folder,
            environment: environment.merging(["OSNOVA_DATA_ROOT": root.path]) { $1 })
    }

    /// Runs the program and demands an exit code; a failure says one line.
    @discardableResult
    func expect(
        _ code: Int32, _ arguments: [String], input: Data? = nil, in directory: URL? = nil,
        environment: [String: String] = [:], at location: SourceLocation = #_sourceLocation
    ) throws -> Program.Outcome {
        let outcome = try run(arguments, input: input, in: directory, environment: environment)
        #expect(
            outcome.code == code, "\(arguments.joined(separator: " ")): \(outcome.errors)", sourceLocation: location)
        if code != 0, code != 65 {
            #expect(
                outcome.errors.split(separator: "\n").count == 1, "one line: \(outcome.errors)",
                sourceLocation: location)
        }
        return outcome
    }

    @discardableResult
    func put(_ paths: [String], options: [String] = [], at location: SourceLocation = #_sourceLocation) throws
        -> Program.Outcome
    {
        try expect(0, ["put"] + unlocking + options + paths, at: location)
    }

    /// Writes a file in the folder and returns its content.
    @discardableResult
    func write(_ name: String, _ content: Data) throws -> Data {
        let url = folder.appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try content.write(to: url)
        return content
    }

    // MARK: Mounting

    func mount(_ options: [String] = [], at location: SourceLocation = #_sourceLocation) throws {
        try expect(0, ["mount"] + unlocking + options + [mountpoint.path], at: location)
    }

    func unmount(at location: SourceLocation = #_sourceLocation) throws {
        try expect(0, ["unmount", mountpoint.path], at: location)
    }

    func remount(at location: SourceLocation = #_sourceLocation) throws {
        try unmount(at: location)
        try mount(at: location)
    }

    /// A path in the mount.
    func mounted(_ path: String) -> URL { mountpoint.appendingPathComponent(path) }

    /// The processes that serve this workspace's mount.
    func drivers() throws -> [pid_t] {
        try Program.shell("pgrep -f -- '--driver-channel .*\(mountpoint.path)'").lines.compactMap { pid_t($0) }
    }

    /// Runs SQL as a foreign program does.
    @discardableResult
    func sqlite(_ sql: String) throws -> String {
        let outcome = try Program.run(
            "/usr/bin/sqlite3", ["-cmd", ".timeout 5000", root.appendingPathComponent("osnova.db").path, sql])
        #expect(outcome.code == 0, "\(sql): \(outcome.errors)")
        return outcome.text.trimmingCharacters(in: .newlines)
    }

    /// The sealed file of a content.
    func sealedFile(_ hash: String) -> URL { root.appendingPathComponent("blobs/\(hash).enc") }
}
