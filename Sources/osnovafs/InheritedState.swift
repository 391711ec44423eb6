internal import Glibc

/// What a program gets from whoever starts it, and must not take as it comes.
enum InheritedState {
    /// Makes sure of the standard streams, and that the end of children can be waited for.
    static func settle() {
        // The next file that is opened would take the number of a stream that was closed: results would be written into
        // it. What is there instead fails, as a closed stream does.
        for (stream, mode) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_RDONLY)]
        where fcntl(stream, F_GETFD) < 0 {
            _ = open("/dev/null", mode)
        }
        // Ignored, it would hide how children end.
        signal(SIGCHLD, SIG_DFL)
    }
}
