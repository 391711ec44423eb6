internal import Glibc
internal import Primitives
internal import SystemPackage

/// A command line of the shell at the other end of a pipe.
///
/// It gets this program's environment, from which secrets were taken when it began, its standard error and its terminal.
struct PipedCommand {
    let line: String

    /// Runs the command with what `body` writes as its input, and waits for its end.
    ///
    /// - Throws: `inputOutput` where the command fails.
    func run(writing body: (OwnedDescriptor) throws -> Void) throws {
        try run(theirs: STDIN_FILENO, body)
    }

    /// Runs the command while `body` reads its output, and waits for its end.
    ///
    /// - Throws: `inputOutput` where the command fails.
    func run(reading body: (OwnedDescriptor) throws -> Void) throws {
        try run(theirs: STDOUT_FILENO, body)
    }

    private func run(theirs: Int32, _ body: (OwnedDescriptor) throws -> Void) throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Errno(rawValue: errno).failure("running the command") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let ours = FileDescriptor(rawValue: theirs == STDIN_FILENO ? ends[1] : ends[0])
        let process: pid_t
        do {
            let other = theirs == STDIN_FILENO ? ends[0] : ends[1]
            defer { close(other) }
            process = try start(with: other, as: theirs)
        } catch {
            try? ours.close()
            throw error
        }
        // Who goes away early is noticed by the write that fails.
        signal(SIGPIPE, SIG_IGN)
        let failure = Self.failure(of: body, with: ours)
        // The command ends by the end of what it reads, or by nobody taking what it writes.
        if failure != nil { kill(process, SIGTERM) }
        let status = wait(for: process)
        let wasStopped = failure != nil && status & 0x7f == SIGTERM
        guard status == 0 || wasStopped else {
            // A command that ended by itself has the better reason.
            let how = status & 0x7f == 0 ? "with exit code \(status >> 8 & 0xff)" : "by signal \(status & 0x7f)"
            throw OsnovaError(.inputOutput, "the command ended \(how): \(line)")
        }
        if let failure { throw failure }
    }

    /// The descriptor is closed when this returns.
    private static func failure(
        of body: (OwnedDescriptor) throws -> Void, with end: FileDescriptor
    ) -> (any Error)? {
        do {
            try body(OwnedDescriptor(end))
            return nil
        } catch {
            return error
        }
    }

    private func start(with end: Int32, as number: Int32) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if number == STDIN_FILENO {
            // What the command has to say is no result of this program.
            posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
        } else {
            posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_adddup2(&actions, end, number)
        let words: [UnsafeMutablePointer<CChar>?] =
            ["/bin/sh", "-c", line].map { (word: String) in strdup(word) } + [nil]
        defer { words.forEach { free($0) } }
        var process = pid_t()
        let code = posix_spawn(&process, "/bin/sh", &actions, nil, words, environ)
        guard code == 0 else { throw Errno(rawValue: code).failure("running /bin/sh", kind: .unavailable) }
        return process
    }

    private func wait(for process: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 {
            // Whoever cannot be asked has not succeeded.
            if errno != EINTR { return -1 }
        }
        return status
    }
}
