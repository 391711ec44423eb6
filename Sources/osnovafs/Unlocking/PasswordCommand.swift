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
            let count = try read(output, into: buffer.bytes, from: process)
            try finish(process)
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

    private func read(_ output: OwnedDescriptor, into memory: UnsafeMutableRawBufferPointer, from process: pid_t) throws
        -> Int
    {
        let deadline = Clock.monotonic &+ UInt64(clamping: patience) * 1_000_000_000
        var filled = 0
        while filled < memory.count {
            let rest = max(0, Int64(bitPattern: deadline &- Clock.monotonic) / 1_000_000)
            var state = pollfd(fd: output.number, events: Int16(POLLIN), revents: 0)
            let ready = poll(&state, 1, Int32(clamping: rest))
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else {
                stop(process)
                throw OsnovaError(.denied, "the password command gave no password within \(patience) seconds")
            }
            let count = Glibc.read(output.number, memory.baseAddress?.advanced(by: filled), memory.count - filled)
            if count == 0 { break }
            if count > 0 { filled += count }
            if count < 0, errno != EINTR { throw Errno(rawValue: errno).failure("reading from the password command") }
        }
        return filled
    }

    private func stop(_ process: pid_t) {
        kill(mayAsk ? process : -process, SIGKILL)
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }

    private func finish(_ process: pid_t) throws {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 {
            guard errno == EINTR else {
                throw OsnovaError(.denied, "nobody knows how the password command ended: no password was read")
            }
        }
        guard status != 0 else { return }
        let reason = status & 0x7f == 0 ? "with exit code \(status >> 8 & 0xff)" : "by signal \(status & 0x7f)"
        throw OsnovaError(.denied, "the password command ended \(reason): no password was read")
    }
}
