import Foundation
import TestSupport
import Testing

/// What a person at a terminal sees and types; `script` makes the terminal.
@Suite struct PromptTests {
    /// A command at a terminal of its own.
    private final class Session {
        private let process = Process()
        private let input = Pipe()
        private let output: URL

        init(_ command: String, in work: Workspace) throws {
            output = work.folder.appendingPathComponent("seen-\(UUID().uuidString)")
            try Data().write(to: output)
            process.executableURL = URL(fileURLWithPath: "/usr/bin/script")
            process.arguments = ["--quiet", "--return", "--flush", "--command", command, "/dev/null"]
            process.currentDirectoryURL = work.folder
            process.environment = ProcessInfo.processInfo.environment.merging([
                "OSNOVA_DATA_ROOT": work.root.path, "SHELL": "/bin/sh", "PROGRAM": Program.path,
            ]) { $1 }
            process.standardInput = input
            process.standardOutput = try FileHandle(forWritingTo: output)
            process.standardError = FileHandle.nullDevice
            try process.run()
        }

        var seen: String { (try? String(contentsOf: output, encoding: .utf8)) ?? "" }

        /// Types a line once a question was asked so many times.
        func answer(_ question: String, times: Int = 1, _ line: String) throws {
            let isAsked = eventually { seen.components(separatedBy: question).count > times }
            #expect(isAsked, "\(question): \(seen)")
            try input.fileHandleForWriting.write(contentsOf: Data(line.utf8))
        }

        func end() -> Int32 {
            process.waitUntilExit()
            return process.terminationStatus
        }
    }

    @Test func `a person is asked without echo, three times`() throws {
        let work = try PasswordTests.workspace()
        let question = "Password of default: "
        let patient = try Session("\"$PROGRAM\" unlock", in: work)
        try patient.answer(question, "mistyped one\n")
        try patient.answer(question, times: 2, "mistyped two\n")
        try patient.answer(question, times: 3, PasswordTests.password + "\n")
        #expect(patient.end() == 0, "\(patient.seen)")
        #expect(patient.seen.contains("this opens"))
        #expect(!patient.seen.contains("mistyped") && !patient.seen.contains(PasswordTests.password))
        let hopeless = try Session("\"$PROGRAM\" unlock", in: work)
        for time in 1...3 { try hopeless.answer(question, times: time, "wrong\n") }
        #expect(hopeless.end() == 77)
        #expect(hopeless.seen.components(separatedBy: question).count == 4)
    }

    @Test func `a mount asks, and its driver serves`() throws {
        guard Fuse.isTested else { return }
        let work = try PasswordTests.workspace()
        let session = try Session("\"$PROGRAM\" mount '\(work.mountpoint.path)'", in: work)
        try session.answer("Password of default: ", PasswordTests.password + "\n")
        #expect(session.end() == 0, "\(session.seen)")
        #expect(try Program.shell("ls '\(work.mountpoint.path)'").text.contains("blobs"))
        try work.unmount()
    }

    @Test func `a new password is asked for twice`() throws {
        let work = try Workspace(initialize: false)
        let careless = try Session("\"$PROGRAM\" init --ask-password --phrase-out p", in: work)
        try careless.answer("New password: ", "one\n")
        try careless.answer("once more: ", "two\n")
        #expect(careless.end() == 64)
        #expect(!FileManager.default.fileExists(atPath: work.root.path))
        let careful = try Session("\"$PROGRAM\" init --ask-password --phrase-out p", in: work)
        try careful.answer("New password: ", "one\n")
        try careful.answer("once more: ", "one\n")
        #expect(careful.end() == 0, "\(careful.seen)")
        try work.write("one", Data("one".utf8))
        try work.expect(0, ["unlock", "--password-file", "one"])
    }

    @Test func `the phrase can be typed`() throws {
        let work = try PasswordTests.workspace()
        let session = try Session("\"$PROGRAM\" unlock --phrase", in: work)
        try session.answer("Recovery phrase: ", Workspace.words + "\n")
        #expect(session.end() == 0, "\(session.seen)")
        #expect(!session.seen.contains("abandon"))
    }

    @Test func `a person who gives up gets the terminal back as it was`() throws {
        let work = try PasswordTests.workspace()
        let interrupted = try Session("trap : INT; \"$PROGRAM\" unlock; stty -a; exit 3", in: work)
        try interrupted.answer("Password of default: ", "\u{3}")
        #expect(interrupted.end() == 3)
        #expect(interrupted.seen.contains(#/[^-]echo /#), "\(interrupted.seen)")
        #expect(!interrupted.seen.contains("this opens"))
        let silent = try Session("\"$PROGRAM\" unlock", in: work)
        try silent.answer("Password of default: ", "\u{4}")
        #expect(silent.end() == 77)
        #expect(silent.seen.components(separatedBy: "Password of").count == 2)
    }

    @Test func `a person who stops the program gets the terminal back meanwhile, and is asked again`() throws {
        let work = try PasswordTests.workspace()
        let shell = "set -m; \"$PROGRAM\" unlock; stty -a; fg"
        let session = try Session("bash -c '\(shell)'", in: work)
        try session.answer("Password of default: ", "\u{1A}")
        try session.answer("Password of default: ", times: 2, PasswordTests.password + "\n")
        #expect(session.end() == 0, "\(session.seen)")
        #expect(session.seen.contains(#/[^-]echo /#), "\(session.seen)")
        #expect(session.seen.contains("this opens") && !session.seen.contains(PasswordTests.password))
    }

    @Test(.enabled(if: Tracer.isThere, "SKIPPED: no terminal was made slow, it needs root and strace"))
    func `an answer that comes with the question is not shown either`() throws {
        let work = try PasswordTests.workspace()
        let slow = "\(Tracer.path) -f -qq -o trace -e inject=ioctl:delay_enter=200000"
        let session = try Session("\(slow) \"$PROGRAM\" unlock", in: work)
        try session.answer("Password of default: ", PasswordTests.password + "\n")
        #expect(session.end() == 0, "\(session.seen)")
        #expect(session.seen.contains("this opens") && !session.seen.contains(PasswordTests.password))
    }

    @Test func `a line that a terminal cuts is no password`() throws {
        let work = try Workspace(initialize: false)
        let session = try Session("\"$PROGRAM\" init --ask-password --phrase-out p", in: work)
        try session.answer("New password: ", String(repeating: "x", count: 4200) + "\n")
        #expect(session.end() == 77)
        #expect(session.seen.contains("--password-file") && !session.seen.contains("xxx"), "\(session.seen)")
        let longest = String(repeating: "y", count: 4000)
        let patient = try Session("\"$PROGRAM\" init --ask-password --phrase-out p", in: work)
        try patient.answer("New password: ", longest + "\n")
        try patient.answer("once more: ", longest + "\n")
        #expect(patient.end() == 0, "\(patient.seen)")
        try work.write("longest", Data(longest.utf8))
        try work.expect(0, ["unlock", "--password-file", "longest"])
    }
}
