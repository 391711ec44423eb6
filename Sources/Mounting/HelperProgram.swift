internal import Glibc
internal import Primitives
internal import SystemPackage

/// Runs `fusermount3`, the setuid helper through which ordinary users mount and unmount.
enum HelperProgram {
    static let name = "fusermount3"

    /// What a helper left behind.
    struct Outcome {
        /// The exit status; nil where a signal ended it.
        let status: Int32?
        /// Its messages in one line.
        let message: String
    }

    /// Whether the helper is found where libfuse looks for it.
    static var isInstalled: Bool {
        searchPath.split(separator: ":").contains { access("\($0)/\(name)", X_OK) == 0 }
    }

    private static var searchPath: String {
        getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
    }

    /// Runs the helper to its end, without this process's environment, which may hold a password.
    ///
    /// - Throws: `unavailable` where it cannot be started.
    static func run(_ arguments: [String]) throws -> Outcome {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw unavailable(errno) }
        let messages = OwnedDescriptor(FileDescriptor(rawValue: ends[0]))
        var child = pid_t()
        let failure = spawn(arguments, messages: ends[1], &child)
        close(ends[1])
        guard failure == 0 else { throw unavailable(failure) }
        let message = readLine(from: messages)
        return Outcome(status: wait(for: child), message: message)
    }

    private static func spawn(_ arguments: [String], messages: Int32, _ child: inout pid_t) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, messages, STDERR_FILENO)
        posix_spawn_file_actions_addclose(&actions, messages)
        let words = copies(of: [name] + arguments)
        let environment = copies(of: ["PATH=\(searchPath)", "LC_ALL=C"])
        defer { (words + environment).forEach { free($0) } }
        return posix_spawnp(&child, name, &actions, nil, words, environment)
    }

    /// C strings with the NULL that ends their list.
    private static func copies(of words: [String]) -> [UnsafeMutablePointer<CChar>?] {
        words.map { strdup($0) } + [nil]
    }

    private static func readLine(from messages: OwnedDescriptor) -> String {
        var text: [UInt8] = []
        let piece = ScratchBuffer(count: 4096)
        while let count = try? SystemCalls.readStream(messages, into: piece.bytes), count > 0 {
            text += piece.bytes.prefix(count)
        }
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        return lines.joined(separator: "; ")
    }

    private static func wait(for child: pid_t) -> Int32? {
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 {
            if errno != EINTR { return nil }
        }
        return status & 0x7F == 0 ? status >> 8 & 0xFF : nil
    }

    private static func unavailable(_ number: Int32) -> OsnovaError {
        let reason = String(cString: strerror(number))
        return OsnovaError(.unavailable, "\(name) does not start (\(reason)): install it (apt install fuse3)")
    }
}
