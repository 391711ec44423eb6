import Foundation
import Testing

/// Two processes write and read while one is killed; `OSNOVAFS_SOAK_SECONDS` makes it long.
@Suite struct SoakTests {
    @Test func `what was acknowledged is there after any kill, and the database is sound`() throws {
        let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let process = Process()
        process.executableURL = repository.appendingPathComponent(".build/debug/osnovafs-benchmarks")
        let seconds = ProcessInfo.processInfo.environment["OSNOVAFS_SOAK_SECONDS"] ?? "4"
        process.arguments = ["soak", "--seconds", seconds]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(text)")
        #expect(text.contains(" 0 missing"))
    }
}
