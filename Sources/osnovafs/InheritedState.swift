internal import Glibc
internal import Primitives
internal import SystemPackage

/// What a program gets from whoever starts it, and must not take as it comes.
enum InheritedState {
    /// Makes sure of the standard streams, that signals come, and that the end of children can be waited for.
    static func settle() {
        // The next file that is opened would take the number of a stream that was closed: results would be written into
        // it. What is there instead fails, as a closed stream does.
        for (stream, mode) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_RDONLY)]
        where fcntl(stream, F_GETFD) < 0 {
            _ = open("/dev/null", mode)
        }
        // A parent's thread may have held back the signals that end a mount, or anything else.
        var none = sigset_t()
        sigemptyset(&none)
        sigprocmask(SIG_SETMASK, &none, nil)
        // Ignored, it would hide how children end.
        signal(SIGCHLD, SIG_DFL)
    }
}

extension OwnedDescriptor {
    /// A descriptor of our own for an open file that somebody else goes on using.
    ///
    /// A stream that was closed itself would leave its number to the next file that is opened.
    convenience init(copying number: CInt) throws(Errno) {
        let copy = fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
        guard copy >= 0 else { throw Errno(rawValue: errno) }
        self.init(FileDescriptor(rawValue: copy))
    }
}
