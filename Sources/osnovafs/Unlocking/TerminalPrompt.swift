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
    /// A signal that ends or stops the program first gets the echo back; who comes back is asked again.
    ///
    /// - Throws: `denied` where the terminal ends instead.
    func ask(_ question: String) throws -> SecretBytes {
        while true {
            // Whoever answers at once is not shown either.
            let answer = try silently { signals in
                Terminal.write(Array("\(Terminal.harmless(question)): ".utf8), to: STDERR_FILENO)
                return try line(signals)
            }
            if let answer { return answer }
        }
    }

    /// Calls `body` while the terminal shows nothing.
    private func silently<Result>(_ body: (HeldSignals) throws -> Result) throws -> Result {
        let signals = HeldSignals(HeldSignals.ending + [SIGTSTP])
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
        return try body(signals)
    }

    /// What was typed; nil where the program is to be stopped first.
    private func line(_ signals: HeldSignals) throws -> SecretBytes? {
        let buffer = try SecretScratch(count: SecretText.longest)
        return try withExtendedLifetime(buffer) {
            var end = 0
            while end < buffer.bytes.count, end == 0 || buffer.bytes[end - 1] != UInt8(ascii: "\n") {
                guard signals.wait(for: terminal) else {
                    if signals.isPending(SIGTSTP) { return nil }
                    throw OsnovaError(.denied, "interrupted")
                }
                let count = read(terminal.number, buffer.bytes.baseAddress?.advanced(by: end), buffer.bytes.count - end)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                end += count
            }
            guard end > 0 else { throw OsnovaError(.denied, "no password was given") }
            guard end < Self.longestLine else {
                throw OsnovaError(.denied, "a terminal takes no line of 4 KiB as a whole: give --password-file FILE")
            }
            return try SecretText.password(
                in: UnsafeRawBufferPointer(rebasing: buffer.bytes.prefix(end)), name: "the terminal")
        }
    }

    /// Bytes of a line, its end included, beyond which a terminal drops what is typed.
    private static let longestLine = 4095
}
