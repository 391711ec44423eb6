internal import Glibc
internal import Primitives

/// What a machine grants to mounts, looked at without mounting anything.
public enum Diagnosis {
    /// One thing that was looked at.
    public struct Finding: Sendable {
        /// How it stands.
        public enum State: String, Sendable {
            case good
            /// Mounts work, something is missing for some uses.
            case limited
            /// Nothing can be mounted until it is mended.
            case bad
        }

        /// What was looked at.
        public let subject: String
        /// How it stands.
        public let state: State
        /// In words, with what to do where something is to be done.
        public let text: String

        /// Gathers what was found.
        public init(_ subject: String, _ state: State, _ text: String) {
            self.subject = subject
            self.state = state
            self.text = text
        }
    }

    /// Descriptors that a driver holds at most, with room for its threads' connections.
    private static let neededDescriptors: rlim_t = 1024

    /// Looks at everything that mounts need.
    public static func findings() -> [Finding] {
        [device(), helper(), others(), descriptors(), watches(), timeouts(), staleMounts()]
    }

    private static func device() -> Finding {
        do {
            try Prerequisites.checkDevice("/dev/fuse")
            return Finding("/dev/fuse", .good, "can be opened")
        } catch {
            return Finding("/dev/fuse", .bad, "\(error)")
        }
    }

    private static func helper() -> Finding {
        if HelperProgram.isInstalled { return Finding(HelperProgram.name, .good, "is installed") }
        let isRoot = geteuid() == 0
        return Finding(
            HelperProgram.name, isRoot ? .limited : .bad,
            "is missing: only root can mount; install it (apt install fuse3)")
    }

    private static func others() -> Finding {
        let configuration = "/etc/fuse.conf"
        if Prerequisites.allowsOther(configuration) {
            return Finding("user_allow_other", .good, "is set in \(configuration)")
        }
        return Finding(
            "user_allow_other", .limited,
            "is not set in \(configuration): only root can mount with allow_other (add a line user_allow_other)")
    }

    private static func descriptors() -> Finding {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(7), &limit) == 0 else {
            return Finding("open files", .limited, "the limit cannot be read")
        }
        let isEnough = limit.rlim_cur >= neededDescriptors
        return Finding(
            "open files", isEnough ? .good : .limited,
            "at most \(limit.rlim_cur)" + (isEnough ? "" : ": raise ulimit -n to \(neededDescriptors)"))
    }

    private static func watches() -> Finding {
        guard let number = number("/proc/sys/fs/inotify/max_user_watches") else {
            return Finding("inotify", .limited, "is missing: new versions of components show late")
        }
        return Finding("inotify", .good, "\(number) watches a user")
    }

    /// Since Linux 6.15 an administrator may have requests time out; a slow disk then aborts the whole mount.
    private static func timeouts() -> Finding {
        let set = ["default_request_timeout", "max_request_timeout"].compactMap { name in
            number("/proc/sys/fs/fuse/\(name)").flatMap { $0 > 0 ? "fs.fuse.\(name) is \($0) s" : nil }
        }
        if set.isEmpty { return Finding("request timeouts", .good, "none is set") }
        return Finding(
            "request timeouts", .limited, set.joined(separator: ", ") + ": a request that takes longer ends the mount")
    }

    private static func staleMounts() -> Finding {
        let stale = ((try? MountTable.read()) ?? []).filter(\.isOwn).map { ($0.path, Liveness.of($0.path)) }
            .filter { $0.1 != .answers }
        guard let first = stale.first else { return Finding("stale mounts", .good, "none") }
        let named = stale.map { path, liveness in liveness == .silent ? "\(path) (does not answer)" : path }
        return Finding(
            "stale mounts", .limited, "\(named.joined(separator: ", ")): clear with osnovafs unmount \(first.0)")
    }

    private static func number(_ path: String) -> Int64? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 64)
        guard fgets(&line, Int32(line.count), file) != nil else { return nil }
        let text = String(decoding: line.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return Int64(text)
    }
}
