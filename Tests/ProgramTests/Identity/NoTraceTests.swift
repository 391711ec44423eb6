import Foundation
import TestSupport
import Testing

/// What a mounted driver leaves of its secrets: nothing in its arguments, its environment, its logs and its memory, but
/// for the keys that it works with, which are in guarded pages.
@Suite(.serialized, .enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
struct NoTraceTests {
    private static let password = "a password of 2026, with žluťoučký kůň"

    private func workspace(phrase: String = "phrase") throws -> Workspace {
        let work = try Workspace(initialize: false)
        try work.write("password", Data((Self.password + "\n").utf8))
        try work.write("other", Data(Workspace.otherWords.utf8))
        try work.expect(0, ["init", "--password-file", "password", "--phrase-file", phrase])
        for index in 0..<40 { try work.write("src/\(index)", noise(index * 9001, seed: UInt64(index))) }
        try work.expect(0, ["put", "-r", "src", "--password-file", "password"])
        return work
    }

    /// Looks for the secrets of the workspace everywhere, after the driver has worked with its keys.
    private func examine(_ driver: pid_t, _ work: Workspace) throws {
        #expect(
            try Program.shell("cat src/* | cmp - <(cd '\(work.mountpoint.path)/files' && cat src/*)", in: work.folder)
                .code == 0)
        // Half of each is enough to be a trace.
        let secrets = [
            Array(Self.password.utf8.prefix(20)), Array(Self.password.utf8.suffix(20)), Array("abandon abandon".utf8),
        ]
        for name in ["cmdline", "environ"] {
            let content = try Data(contentsOf: URL(fileURLWithPath: "/proc/\(driver)/\(name)"))
            #expect(!content.isEmpty)
            for secret in secrets { #expect(content.range(of: Data(secret)) == nil, "\(name)") }
        }
        for log in try Program.shell("find root/logs -type f", in: work.folder).lines {
            let content = try Data(contentsOf: work.folder.appendingPathComponent(String(log)))
            for secret in secrets { #expect(content.range(of: Data(secret)) == nil, "\(log)") }
        }
        let limits = try String(contentsOfFile: "/proc/\(driver)/limits", encoding: .utf8)
        #expect(limits.contains(#/Max core file size +0 +0/#))
        guard let memory = try ProcessMemory(of: driver) else {
            #expect(geteuid() != 0 || errno == EPERM || errno == EACCES, "a process that nobody may read")
            return
        }
        defer { memory.close() }
        #expect(!memory.find([Array(work.mountpoint.path.utf8)]).isEmpty, "what must be there is found")
        let traces = memory.find(secrets)
        #expect(traces.isEmpty, "\(traces)")
        try examineKeys(memory)
    }

    private func examineKeys(_ memory: ProcessMemory) throws {
        let vectors = try #require(SealedVectors.load().phrases.values.first { $0.phrase == Workspace.words })
        for (hex, isUsed) in [
            (vectors.blobEncryptionKey, true), (vectors.masterKey, false), (vectors.dbEncryptionKey, false),
        ] {
            let key = try #require(bytes(hex))
            let hits = memory.find([Array(key.prefix(16)), Array(key.suffix(16))])
            let unguarded = hits.filter { !$0.isGuarded }
            #expect(unguarded.isEmpty, "\(unguarded)")
            #expect(!isUsed || !hits.isEmpty, "what the driver works with is found")
        }
    }

    private func bytes(_ hex: String) -> [UInt8]? {
        let bytes = stride(from: 0, to: hex.count, by: 2).compactMap { UInt8(hex.dropFirst($0).prefix(2), radix: 16) }
        return bytes.count == 32 ? bytes : nil
    }

    @Test(arguments: [
        ["--password-file", "password"], ["--password-command", "cat password"], ["--phrase-file", "phrase"],
    ])
    func `a driver in the background has no trace of how it was unlocked`(unlocking: [String]) throws {
        let work = try workspace()
        try work.expect(0, ["mount", work.mountpoint.path] + unlocking)
        defer { _ = try? work.unmount() }
        try examine(#require(work.drivers().first), work)
    }

    @Test func `nor has one whose password was in the environment`() throws {
        let work = try workspace()
        try work.expect(0, ["mount", work.mountpoint.path], environment: ["OSNOVA_PASSWORD": Self.password])
        defer { _ = try? work.unmount() }
        try examine(#require(work.drivers().first), work)
    }

    @Test func `nor has one that learnt its keys from a rekey`() throws {
        let work = try workspace(phrase: "other")
        try work.expect(0, ["mount", work.mountpoint.path, "--password-file", "password"])
        defer { _ = try? work.unmount() }
        try work.expect(0, ["rekey", "--new-phrase-file", "phrase", "--password-file", "password"])
        try examine(#require(work.drivers().first), work)
    }

    @Test(arguments: [nil, "password", "phrase"])
    func `nor has one in the foreground`(file: String?) throws {
        let work = try workspace()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Program.path)
        process.currentDirectoryURL = work.folder
        process.arguments =
            ["mount", "--foreground", work.mountpoint.path] + (file.map { ["--\($0)-file", $0] } ?? [])
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["OSNOVA_DATA_ROOT": work.root.path, "OSNOVA_PASSWORD": Self.password]) { $1 }
        process.standardInput = FileHandle.nullDevice
        try process.run()
        #expect(eventually { try Program.shell("findmnt \(work.mountpoint.path)").code == 0 })
        try examine(process.processIdentifier, work)
        try work.unmount()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }
}
