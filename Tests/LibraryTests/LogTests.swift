import Foundation
import Logging
import OsnovaStorage
import TestSupport
import Testing

@testable import OsnovaStorage

/// The logs of a store: batched, rotated, shared, without secrets.
@Suite struct LogTests {
    private func settings(_ size: Int64 = 1 << 20, kept: Int = 2) -> LogFile.Settings {
        LogFile.Settings(largestSize: size, keptFiles: kept, interval: 3600, largestBatch: 1 << 10)
    }

    private func text(_ folder: TemporaryFolder, _ name: String) throws -> String {
        try String(contentsOfFile: folder.path(name), encoding: .utf8)
    }

    @Test func `lines wait for a batch, a warning does not`() throws {
        let folder = try TemporaryFolder()
        let file = LogFile(path: folder.path("x.log"), settings: settings())
        var logger = Logger(label: "test") { StoreLog(file: file, label: $0) }
        logger[metadataKey: "store"] = "s"
        logger.info("first")
        #expect(!FileManager.default.fileExists(atPath: folder.path("x.log")))
        logger.warning("second", metadata: ["reason": "none"])
        let lines = try text(folder, "x.log").split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines[0].hasSuffix("info test: first store=s"))
        #expect(lines[1].hasSuffix("warning test: second reason=none store=s"))
        for number in 0..<100 { logger.info("line \(number)") }
        #expect(try text(folder, "x.log").contains("line 7\u{20}"), "a full batch is written")
        let mode = try FileManager.default.attributesOfItem(atPath: folder.path("x.log"))[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test func `a line is written after the interval`() throws {
        let folder = try TemporaryFolder()
        let file = LogFile(path: folder.path("x.log"), settings: .init(interval: 0.01))
        file.append(Array("one\n".utf8), isUrgent: false)
        #expect(eventually { try text(folder, "x.log") == "one\n" })
        file.append(Array("two\n".utf8), isUrgent: false)
        #expect(eventually { try text(folder, "x.log") == "one\ntwo\n" })
    }

    @Test(.timeLimit(.minutes(1))) func `a log goes through no link and into no FIFO`() throws {
        let folder = try TemporaryFolder()
        try folder.write("mine", Data())
        try FileManager.default.createSymbolicLink(atPath: folder.path("x.log"), withDestinationPath: "mine")
        let file = LogFile(path: folder.path("x.log"), settings: settings())
        file.append(Array("one\n".utf8), isUrgent: true)
        #expect(try text(folder, "mine").isEmpty)
        try FileManager.default.removeItem(atPath: folder.path("x.log"))
        #expect(mkfifo(folder.path("x.log"), 0o600) == 0)
        file.append(Array("two\n".utf8), isUrgent: true)
        try FileManager.default.removeItem(atPath: folder.path("x.log"))
        file.append(Array("three\n".utf8), isUrgent: true)
        #expect(try text(folder, "x.log") == "three\n")
    }

    @Test func `a log is rotated by size and the oldest goes`() throws {
        let folder = try TemporaryFolder()
        // Two that share the log, as two processes do.
        let files = [0, 1].map { _ in LogFile(path: folder.path("x.log"), settings: settings(1_000)) }
        for number in 0..<100 {
            files[number % 2].append(
                Array("line \(number) \(String(repeating: "x", count: 40))\n".utf8), isUrgent: true)
        }
        #expect(try folder.names() == ["x.log", "x.log.1", "x.log.2"])
        let all = try ["x.log.2", "x.log.1", "x.log"].map { try text(folder, $0) }.joined().split(separator: "\n")
        let numbers = all.compactMap { Int($0.split(separator: " ")[1]) }
        #expect(numbers == Array((100 - numbers.count)..<100), "in order, none lost, none torn")
        #expect(numbers.count >= 40)
    }

    @Test func `no secret and no control character reaches a log`() throws {
        let folder = try TemporaryFolder()
        let file = LogFile(path: folder.path("x.log"), settings: settings())
        let logger = Logger(label: "test") { StoreLog(file: file, label: $0) }
        logger.error(
            "two\nlines \u{1B}[31m", metadata: ["recovery_phrase": "abandon about", "Password": "hunter2", "path": "a"])
        let line = try text(folder, "x.log")
        #expect(!line.contains("abandon") && !line.contains("hunter2") && line.contains("path=a"))
        #expect(line.dropLast().unicodeScalars.allSatisfy { $0.value >= 0x20 } && line.hasSuffix("\n"))
    }

    @Test(arguments: ["org.example.notes", "ant://a/b", "..", "", "a\nb", String(repeating: "ü", count: 400)])
    func `a component has a log of its own, whatever its id`(id: String) throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(
            atPath: folder.path("logs/components"), withIntermediateDirectories: true)
        let root = DataRoot(path: folder.url.path)
        try StoreLog.logger(for: root, componentID: id).error("crashed")
        let names = try folder.names("logs/components")
        #expect(names.count == 1)
        let name = try #require(names.first)
        #expect(name.hasSuffix(".log") && !name.contains("/") && name.utf8.count + 2 <= 255)
        #expect(try text(folder, "logs/components/\(name)").contains("crashed"))
    }

    @Test func `a log that cannot be written is silent`() {
        let file = LogFile(path: "/nowhere/x.log", settings: settings())
        file.append(Array("x\n".utf8), isUrgent: true)
    }
}
