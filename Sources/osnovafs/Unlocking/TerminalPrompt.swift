internal import CLinux
internal import Glibc
internal import Primitives
internal import SystemPackage

/// A terminal that a person can be asked on, without echo.
struct TerminalPrompt {
    private let terminal: OwnedDescriptor

    /// Finds the terminal; nil where nobody can be asked.
    static func find() -> TerminalPrompt? {
        if isatty(STDIN_FILENO) == 1 {
            return (try? OwnedDescriptor(copying: STDIN_FILENO)).map { TerminalPrompt(terminal: $0) }
        }
        // Standard input has something else to say; who sees messages can still be asked.
        guard isatty(STDERR_FILENO) == 1 else { return nil }
        return (try? SystemCalls.open("/dev/tty", O_RDWR)).map { TerminalPrompt(terminal: $0) }
    }

    /// Asks for one line and shows nothing of it.
    ///
    /// A signal that ends the program first gets the echo back.
    ///
    /// - Throws: `denied` where the terminal ends instead.
    func ask(_ question: String) throws -> SecretBytes {
        Terminal.write(Array("\(Terminal.harmless(question)): ".utf8), to: STDERR_FILENO)
        let signals = HeldSignals()
        defer { signals.release() }
        var before = termios()
        guard tcgetattr(terminal.number, &before) == 0 else { throw Errno(rawValue: errno).failure("asking") }
        var silent = before
        silent.c_lflag &= ~tcflag_t(ECHO | ECHOE | ECHOK | ECHONL)
        silent.c_lflag |= tcflag_t(ICANON)
        // Not TCSAFLUSH: what was typed ahead is an answer too.
        tcsetattr(terminal.number, TCSADRAIN, &silent)
        defer {
            tcsetattr(terminal.number, TCSADRAIN, &before)
            Terminal.write([UInt8(ascii: "\n")], to: STDERR_FILENO)
        }
        return try line(signals)
    }

    private func line(_ signals: HeldSignals) throws -> SecretBytes {
        let buffer = try SecretScratch(count: SecretText.longest)
        return try withExtendedLifetime(buffer) {
            var end = 0
            while end < buffer.bytes.count, end == 0 || buffer.bytes[end - 1] != UInt8(ascii: "\n") {
                guard signals.wait(for: terminal) else { throw OsnovaError(.denied, "interrupted") }
                let count = read(terminal.number, buffer.bytes.baseAddress?.advanced(by: end), buffer.bytes.count - end)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                end += count
            }
            guard end > 0 else { throw OsnovaError(.denied, "no password was given") }
            return try SecretText.password(
                in: UnsafeRawBufferPointer(rebasing: buffer.bytes.prefix(end)), name: "the terminal")
        }
    }
}

/// The signals that end a program, held back while a terminal is silent.
private struct HeldSignals {
    private var previous = sigset_t()
    private let descriptor: OwnedDescriptor

    init() {
        var held = sigset_t()
        sigemptyset(&held)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] { sigaddset(&held, signal) }
        sigprocmask(SIG_BLOCK, &held, &previous)
        descriptor = OwnedDescriptor(FileDescriptor(rawValue: osnova_signal_descriptor(&held)))
    }

    /// Waits until there is something to read; false where a signal came first.
    func wait(for terminal: OwnedDescriptor) -> Bool {
        var states = [terminal, descriptor].map { pollfd(fd: $0.number, events: Int16(POLLIN), revents: 0) }
        while poll(&states, 2, -1) < 0 && errno == EINTR {}
        return states[1].revents == 0
    }

    /// Lets the signals do what they do; one that came ends the program here.
    func release() {
        var before = previous
        sigprocmask(SIG_SETMASK, &before, nil)
    }
}
