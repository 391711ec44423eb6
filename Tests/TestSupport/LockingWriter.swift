import Foundation
import Testing

/// Another program that wrote something, and then began to write more: it holds the lock of the database.
public final class LockingWriter {
    private let process = Process()
    private let input = Pipe()

    /// Runs statements in a transaction of their own, and begins another.
    public init(_ database: String, after statements: String) throws {
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/sqlite3")
        process.arguments = [database]
        (process.standardInput, process.standardOutput) = (input, output)
        try process.run()
        try send("\(statements); BEGIN IMMEDIATE; SELECT 'locked';")
        #expect(try output.fileHandleForReading.read(upToCount: 7) == Data("locked\n".utf8))
    }

    deinit { process.terminate() }

    private func send(_ line: String) throws {
        try input.fileHandleForWriting.write(contentsOf: Data("\(line)\n".utf8))
    }

    /// Ends it, with what it began if there are statements to commit.
    public func end(committing statements: String? = nil) throws {
        if let statements { try send("\(statements); COMMIT;") }
        try input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}
