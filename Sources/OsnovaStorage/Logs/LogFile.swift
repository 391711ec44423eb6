internal import Dispatch
internal import Glibc
internal import Primitives
internal import Synchronization
internal import SystemPackage

/// One log file that several processes may append to: lines written in batches, the file rotated by size.
///
/// `x.log` becomes `x.log.1`, that one `x.log.2`, and so on; the oldest goes. A log that cannot be written is silent:
/// it must not stop what it tells of.
final class LogFile: Sendable {
    /// How a log is kept.
    struct Settings: Sendable {
        /// Bytes from which on a file is rotated.
        var largestSize: Int64 = 4 << 20
        /// Older files that are kept.
        var keptFiles = 3
        /// Seconds that a line waits at most.
        var interval = 0.2
        /// Bytes that wait at most.
        var largestBatch = 16 << 10
    }

    private struct State {
        var waiting: [UInt8] = []
        var isScheduled = false
    }

    private let path: String
    private let settings: Settings
    private let state = Mutex(State())
    /// The open file; held while lines are written, so that they stay in order.
    private let file = Mutex<OwnedDescriptor?>(nil)
    private static let queue = DispatchQueue(label: "osnova.log")

    init(path: String, settings: Settings = Settings()) {
        self.path = path
        self.settings = settings
        // With its first wait the dispatch library opens descriptors of its own, and ends the process where there are
        // none left: not when a read that failed for just that reason is to be noted.
        Self.queue.asyncAfter(deadline: .now() + 0.001) {}
    }

    /// Appends a line, which ends in a line break.
    ///
    /// - Parameter isUrgent: whether it must be in the file when this returns.
    func append(_ line: [UInt8], isUrgent: Bool) {
        let (isFull, isFirst) = state.withLock { state in
            state.waiting += line
            defer { state.isScheduled = true }
            return (state.waiting.count >= settings.largestBatch, !state.isScheduled)
        }
        if isUrgent || isFull { flush() }
        guard isFirst else { return }
        Self.queue.asyncAfter(deadline: .now() + settings.interval) { [self] in
            state.withLock { $0.isScheduled = false }
            flush()
        }
    }

    /// Writes what waits.
    func flush() {
        file.withLock { file in
            let lines = state.withLock { state in
                defer { state.waiting = [] }
                return state.waiting
            }
            guard !lines.isEmpty else { return }
            do {
                let open = try current(file)
                file = open
                try lines.withUnsafeBytes { try SystemCalls.write(open, $0) }
            } catch {
                file = nil
            }
        }
    }

    /// The open file, if it still has the log's name and room; else a new one.
    private func current(_ file: OwnedDescriptor?) throws(Errno) -> OwnedDescriptor {
        if let file, try hasName(file) {
            guard try SystemCalls.status(of: file).size >= settings.largestSize else { return file }
            try rotate(file)
        }
        // What is no regular file is not written to, and neither is what a link leads to.
        let opened = try SystemCalls.open(path, O_WRONLY | O_APPEND | O_CREAT | Self.asItIs, mode: 0o600)
        guard try SystemCalls.status(of: opened).type == S_IFREG else { throw .invalidArgument }
        return opened
    }

    /// Non-blocking: a FIFO in the log's place would wait for a reader.
    private static let asItIs = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY

    /// Another process may have rotated the log since it was opened here.
    private func hasName(_ file: OwnedDescriptor) throws(Errno) -> Bool {
        var status = stat()
        let own = try SystemCalls.status(of: file)
        return lstat(path, &status) == 0 && UInt64(status.st_ino) == own.inode && UInt64(status.st_dev) == own.device
    }

    private func rotate(_ file: OwnedDescriptor) throws(Errno) {
        // Of several processes that find the file full, the one with the lock renames; the lock ends with the file.
        let lock = try SystemCalls.open(path, O_RDONLY | Self.asItIs)
        guard (try? SystemCalls.tryLock(lock)) == true, try hasName(file) else { return }
        for number in stride(from: settings.keptFiles, to: 0, by: -1) {
            rename(number == 1 ? path : "\(path).\(number - 1)", "\(path).\(number)")
        }
        if settings.keptFiles == 0 { unlink(path) }
        withExtendedLifetime(lock) {}
    }
}

/// The log files of this process, one for each path.
enum LogFiles {
    private static let files = Mutex<[FilePath: LogFile]>([:])

    /// Lines that wait when a process ends well are written.
    private static let flushesAtExit: Bool = atexit { LogFiles.flush() } == 0

    static func file(_ path: String) -> LogFile {
        _ = flushesAtExit
        return files.withLock { files in
            if let file = files[FilePath(path)] { return file }
            let file = LogFile(path: path)
            files[FilePath(path)] = file
            return file
        }
    }

    /// Writes what waits in any of them.
    static func flush() {
        for file in files.withLock({ Array($0.values) }) { file.flush() }
    }
}
