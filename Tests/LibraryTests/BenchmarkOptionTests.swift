import Foundation
import Testing

/// The options of the benchmarks.
@Suite struct BenchmarkOptionTests {
    @Test(arguments: [
        "catalog --runs=0", "catalog --runs=-1", "seal --size=0", "seal --size=-1", "verify --blob=0",
        "verify --size=1 --blob=2", "verify --rounds=-1", "mount --program=p --rounds=0", "mount --program=p --size=-1",
        "compression --program=p --rounds=-1 f", "scale --program=p --counts=-1", "scale --program=p --counts=x",
        "soak --seconds=nan", "soak --seconds=0", "soak --seconds=1e300",
    ])
    func `what cannot be measured with is refused in a line`(line: String) throws {
        let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let process = Process()
        process.executableURL = repository.appendingPathComponent(".build/debug/osnovafs-benchmarks")
        process.arguments = line.split(separator: " ").map(String.init)
        let output = Pipe()
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationReason == .exit && process.terminationStatus == 64, "\(text)")
        #expect(text.hasPrefix("Error: --"))
    }
}
