internal import Glibc
internal import Keyring
internal import OsnovaStorage
internal import Primitives
internal import SystemPackage

/// Starts the driver as a process of its own: the program again, since threads do not survive a fork.
enum DriverProcess {
    /// Where the driver finds its channel.
    private static let channelNumber: Int32 = 3

    /// Returns when the mount serves.
    ///
    /// - Throws: what the driver says went wrong.
    static func start(root: DataRoot, mountpoint: String, options: [String], keys: KeyHierarchy) throws {
        var arguments = ["osnovafs", "mount", "--foreground", "--driver-channel", "\(channelNumber)"]
        arguments += ["--data-root", root.path]
        for option in options { arguments += ["-o", option] }
        let bytes = (arguments + ["--", mountpoint]).map { Array($0.utf8) }
        let (channel, process) = try DriverChannel.open { try spawn(bytes, inheriting: $0) }
        channel.send(keys)
        guard try channel.waitUntilReady() else {
            var status: Int32 = 0
            waitpid(process, &status, 0)
            throw OsnovaError(
                .unavailable, "the driver ended before it served (status \(status)): see \(root.log)")
        }
    }

    /// Leaves the session, the directory and the open files of the command that started this process; whoever waits
    /// for the end of a pipe that was inherited would otherwise wait for the end of the mount.
    static func detach() {
        SystemCalls.closeAll(from: channelNumber + 1)
        setsid()
        _ = chdir("/")
        // `ps` would show the name under which it was started: exe.
        SystemCalls.nameProcess("osnovafs")
    }

    private static func spawn(_ arguments: [[UInt8]], inheriting channel: Int32) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for stream in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] {
            posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_RDWR, 0)
        }
        posix_spawn_file_actions_adddup2(&actions, channel, channelNumber)
        let argv = arguments.map(Arguments.duplicate) + [nil]
        defer { for argument in argv { argument?.deallocate() } }
        var process = pid_t()
        let code = posix_spawn(&process, "/proc/self/exe", &actions, nil, argv, environ)
        guard code == 0 else { throw Errno(rawValue: code).failure("starting the driver", kind: .unavailable) }
        return process
    }
}
