internal import ArgumentParser
internal import Foundation
internal import OsnovaStorage

/// Two processes write and read at once while one of them is killed again and again.
struct SoakTest: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "soak",
        abstract: "Kill one of two writers at random moments; afterwards every acknowledged row must be there.",
        discussion: "Ends with 1 where a row is missing or the database is not sound.")

    @Option(help: "How long.")
    var seconds = 60.0

    func validate() throws {
        guard seconds > 0, seconds <= 1e6 else {
            throw ValidationError("--seconds is \(seconds): choose more than 0, and at most 1000000")
        }
    }

    func run() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("osnovafs-soak-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("osnova.db").path
        try Catalog(path: path, creating: true) { _ in nil }.close()
        var kills = 0
        let steady = try start(path, "steady", folder)
        let deadline = Date().addingTimeInterval(seconds)
        while Date() < deadline {
            let victim = try start(path, "victim\(kills)", folder)
            usleep(.random(in: 20_000...600_000))
            kill(victim.processIdentifier, SIGKILL)
            victim.waitUntilExit()
            kills += 1
        }
        let didSurvive = steady.isRunning
        // Reads to the end what it began, then is killed like the others: only what it acknowledged counts.
        kill(steady.processIdentifier, SIGKILL)
        steady.waitUntilExit()
        try judge(path, folder, kills: kills, didSurvive: didSurvive)
    }

    private func start(_ path: String, _ name: String, _ folder: URL) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["soak-writer", path, name]
        let output = folder.appendingPathComponent("\(name).acknowledged")
        guard FileManager.default.createFile(atPath: output.path, contents: nil) else {
            throw OsnovaError(.cannotCreate, "\(output.path) cannot be created")
        }
        process.standardOutput = try FileHandle(forWritingTo: output)
        try process.run()
        return process
    }

    private func judge(_ path: String, _ folder: URL, kills: Int, didSurvive: Bool) throws {
        let catalog = try Catalog(path: path) { _ in nil }
        let report = try catalog.check()
        var acknowledged = 0
        var missing: [String] = []
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path)
        where name.hasSuffix(".acknowledged") {
            let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
            // The last line may be cut by the kill.
            for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
                acknowledged += 1
                guard let id = Int64(line), try catalog.read({ try $0.message(id) }) != nil else {
                    missing.append("\(name): \(line)")
                    continue
                }
            }
        }
        let found = try catalog.search("soakword", in: [.message], limit: 1).count
        print("\(kills) kills, \(acknowledged) rows acknowledged, \(missing.count) missing")
        for finding in report.findings + missing.prefix(10) { print("wrong: \(finding)") }
        guard report.findings.isEmpty, missing.isEmpty, didSurvive, acknowledged > 0, found == 1 else {
            print("the steady writer \(didSurvive ? "went on" : "ended"), search found \(found)")
            throw ExitCode(1)
        }
    }
}

/// Writes, reads and acknowledges until it is killed.
struct SoakWriter: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "soak-writer", shouldDisplay: false)

    @Argument var path: String
    @Argument var name: String

    func run() throws {
        let catalog = try Catalog(path: path, patience: 30) { _ in nil }
        var number = 0
        while true {
            number += 1
            let message = Message(channel: name, sender: name, body: "soakword \(number)")
            let id = try catalog.write { writing in
                let transaction = WalletTransaction(
                    hash: "\(name)-\(number)", from: name, to: name, amount: Amount("\(number)") ?? .zero,
                    network: "soak")
                try writing.save(transaction)
                return try writing.save(message)
            }
            FileHandle.standardOutput.write(Data("\(id)\n".utf8))
            _ = try catalog.read { try $0.messages(MessageFilter(channel: name), limit: 10) }
            if number.isMultiple(of: 20) { _ = try catalog.search("soakword", in: [.message], limit: 5) }
        }
    }
}
