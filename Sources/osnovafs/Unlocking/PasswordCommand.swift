internal import Glibc
internal import Primitives
internal import SystemPackage

/// Runs the command that prints a password, by the shell.
struct PasswordCommand {
    let line: String
    /// How long it may take, in seconds: it may have to ask a person.
    let patience: Int32

    /// What the command wrote to its standard output.
    ///
    /// - Throws: `denied` where it fails or takes too long.
    func run() throws -> SecretBytes {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Errno(rawValue: errno).failure("running the password command") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let output = OwnedDescriptor(FileDescriptor(rawValue: ends[0]))
        let process: pid_t
        do {
            defer { close(ends[1]) }
            process = try start(writingTo: ends[1])
        }
        let buffer = try SecretScratch(count: SecretText.longest + 3)
        return try withExtendedLifetime((buffer, output)) {
            let deadline = Clock.monotonic &+ UInt64(clamping: patience) * 1_000_000_000
            let count = try read(output, into: buffer.bytes, from: process, until: deadline)
            // A line break of two bytes may follow the longest password; whoever writes more waits for a reader for ever.
            guard count < buffer.bytes.count else {
                stop(process)
                throw SecretText.tooLong("the password command")
            }
            try finish(process, until: deadline)
            return try SecretText.password(
                in: UnsafeRawBufferPointer(rebasing: buffer.bytes.prefix(count)), name: "the password command")
        }
    }

    /// Whether the command may ask on the terminal, for which it must stay in its group of processes.
    private var mayAsk: Bool { isatty(STDIN_FILENO) == 1 }

    private func start(writingTo output: Int32) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        if !mayAsk {
            // Standard input belongs to the command that needs the password.
            posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
            posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        }
        let words = ["/bin/sh", "-c", line].map { Arguments.duplicate(Arguments.encode($0)) } + [nil]
        defer { words.forEach { $0?.deallocate() } }
        var process = pid_t()
        let code = posix_spawn(&process, "/bin/sh", &actions, &attributes, words, environ)
        guard code == 0 else {
            throw Errno(rawValue: code).failure("running the password command", kind: .unavailable)
        }
        return process
    }

    private func read(
        _ output: OwnedDescriptor, into memory: UnsafeMutableRawBufferPointer, from process: pid_t,
        until deadline: UInt64
    ) throws -> Int {
        var filled = 0
        while filled < memory.count {
            let rest = Int32(clamping: Self.nanoseconds(until: deadline) / 1_000_000)
            var state = pollfd(fd: output.number, events: Int16(POLLIN), revents: 0)
            let ready = poll(&state, 1, rest)
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else { throw giveUp(process) }
            let count = Glibc.read(output.number, memory.baseAddress?.advanced(by: filled), memory.count - filled)
            if count == 0 { break }
            if count > 0 { filled += count }
            if count < 0, errno != EINTR { throw Errno(rawValue: errno).failure("reading from the password command") }
        }
        return filled
    }

    private static func nanoseconds(until deadline: UInt64) -> Int64 {
        max(0, Int64(bitPattern: deadline &- Clock.monotonic))
    }

    private func stop(_ process: pid_t) {
        kill(mayAsk ? process : -process, SIGKILL)
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }

    private func giveUp(_ process: pid_t) -> OsnovaError {
        stop(process)
        return OsnovaError(.denied, "the password command did not end within \(patience) seconds: no password was read")
    }

    /// Waits for the end of a command that may have closed its output before.
    private func finish(_ process: pid_t, until deadline: UInt64) throws {
        var status: Int32 = 0
        let hasEnded = try Patience.tries(forAtMost: Double(Self.nanoseconds(until: deadline)) / 1e9) {
            let ended = waitpid(process, &status, WNOHANG)
            guard ended >= 0 || errno == EINTR else {
                throw OsnovaError(.denied, "nobody knows how the password command ended: no password was read")
            }
            return ended == process
        }
        guard hasEnded else { throw giveUp(process) }
        guard status != 0 else { return }
        let reason = status & 0x7f == 0 ? "with exit code \(status >> 8 & 0xff)" : "by signal \(status & 0x7f)"
        throw OsnovaError(.denied, "the password command ended \(reason): no password was read")
    }
}
