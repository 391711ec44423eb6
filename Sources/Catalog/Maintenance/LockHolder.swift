internal import Foundation
internal import Glibc

/// Who holds the write lock of a database, from the kernel's list of locks.
enum LockHolder {
    /// The byte of the shared memory file that SQLite locks to write a WAL.
    private static let writeLock = 120

    /// The program as a person knows it; "another program" where the kernel does not tell.
    static func name(of path: String) -> String {
        guard let process = process(of: path) else { return "another program" }
        let command = (try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8))?
            .trimmingCharacters(in: .whitespacesAndNewlines)
        return "process \(process)" + (command.map { " (\($0))" } ?? "")
    }

    /// The process that has the write lock; nil where none is seen.
    static func process(of path: String) -> Int32? {
        var status = stat()
        guard stat("\(path)-shm", &status) == 0 else { return nil }
        let file = ":\(status.st_ino)"
        // The kernel lists its locks a page at a time: while others come and go, one may be left out.
        for _ in 0..<attempts {
            guard let locks = try? String(contentsOfFile: "/proc/locks", encoding: .utf8) else { return nil }
            if let process = locks.split(separator: "\n").lazy.compactMap({ holder(in: $0, of: file) }).first {
                return process
            }
        }
        return nil
    }

    private static let attempts = 10

    /// A line: "1: POSIX  ADVISORY  WRITE 1234 fd:01:5678 120 120", the bytes from the first to the last.
    private static func holder(in line: Substring, of file: String) -> Int32? {
        let fields = line.split(separator: " ")
        guard fields.count == 8, fields[3] == "WRITE", fields[5].hasSuffix(file), let first = Int(fields[6]),
            let last = fields[7] == "EOF" ? Int.max : Int(fields[7]), first <= writeLock, last >= writeLock,
            let process = Int32(fields[4]), process > 0
        else { return nil }
        return process
    }
}
