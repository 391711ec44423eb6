internal import CLinux
internal import Glibc
internal import Primitives
internal import SystemPackage

/// Signals that end or stop a program, held back while it has something to put in order first.
struct HeldSignals {
    static let ending = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

    private var previous = sigset_t()
    private let descriptor: OwnedDescriptor

    init(_ signals: [CInt]) {
        var held = sigset_t()
        sigemptyset(&held)
        // One that is ignored, as by nohup, would be pending all the same.
        for signal in signals where !Self.isIgnored(signal) { sigaddset(&held, signal) }
        sigprocmask(SIG_BLOCK, &held, &previous)
        descriptor = OwnedDescriptor(FileDescriptor(rawValue: osnova_signal_descriptor(&held)))
    }

    private static func isIgnored(_ signal: CInt) -> Bool {
        var action = sigaction()
        sigaction(signal, nil, &action)
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
            == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    /// Whether one of them came.
    var isPending: Bool {
        var state = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
        return poll(&state, 1, 0) > 0
    }

    /// Whether that one came.
    func isPending(_ signal: CInt) -> Bool {
        var pending = sigset_t()
        return sigpending(&pending) == 0 && sigismember(&pending, signal) == 1
    }

    /// Waits until there is something to read; false where a signal came first.
    func wait(for file: OwnedDescriptor) -> Bool {
        var states = [file, descriptor].map { pollfd(fd: $0.number, events: Int16(POLLIN), revents: 0) }
        while poll(&states, 2, -1) < 0 && errno == EINTR {}
        return states[1].revents == 0
    }

    /// Lets the signals do what they do; one that came ends or stops the program here.
    func release() {
        var before = previous
        sigprocmask(SIG_SETMASK, &before, nil)
    }
}
