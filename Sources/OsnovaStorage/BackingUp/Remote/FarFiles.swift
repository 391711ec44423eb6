internal import Primitives

/// The files of a backup on another machine, of which nothing but names, sizes and times is known here.
struct FarFiles {
    struct Status: Equatable {
        let size: Int64
        /// Unix seconds.
        let modified: Int64
    }

    /// By their paths in the backup.
    let files: [String: Status]

    func contains(_ path: String) -> Bool { files[path] != nil }

    /// Whether a file has the size and the time of the far one: rsync's own rule for what need not be sent.
    func isSame(_ path: String, _ status: SystemCalls.Status) -> Bool {
        files[path] == Status(size: status.size, modified: status.modified / 1_000_000_000)
    }
}
