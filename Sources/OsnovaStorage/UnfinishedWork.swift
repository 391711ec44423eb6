internal import Foundation
internal import Glibc
internal import Synchronization
public import SystemPackage

/// Folders and files that this process is filling, to be removed where a signal ends it.
///
/// What is complete, or may be an old data root, has another name by then and stays.
public enum UnfinishedWork {
    private static let ending = [SIGINT, SIGTERM, SIGHUP, SIGPIPE]
    private static let paths = Mutex<Set<FilePath>>([])

    static func enter(_ folder: String) { paths.withLock { _ = $0.insert(FilePath(folder)) } }

    static func leave(_ folder: String) { paths.withLock { _ = $0.remove(FilePath(folder)) } }

    /// Notes a file and makes it, as one step to a signal.
    public static func enter<Made: Sendable>(_ file: FilePath, making: () throws -> Made) throws -> Made {
        try paths.withLock {
            $0.insert(file)
            return try making()
        }
    }

    /// Removes a file, if it is still there, and forgets it.
    public static func remove(_ file: FilePath) {
        paths.withLock {
            _ = file.withPlatformString { unlink($0) }
            $0.remove(file)
        }
    }

    /// From now on SIGINT, SIGTERM, SIGHUP and SIGPIPE remove all of it before they end this process; for a program that
    /// does nothing else with them.
    ///
    /// SIGHUP stays ignored where `nohup` has it so, and SIGPIPE where whoever writes hears of it.
    public static func removeOnSignals() {
        var ends: [CInt] = [0, 0]
        // Handlers, and no blocked or ignored signals: those would be the children's too.
        guard pipe(&ends) == 0, ends.allSatisfy({ fcntl($0, F_SETFD, FD_CLOEXEC) == 0 }),
            signalPipe.compareExchange(expected: -1, desired: ends[1], ordering: .sequentiallyConsistent).exchanged
        else { return }
        let read = ends[0]
        Thread.detachNewThread {
            var signal: CInt = 0
            while Glibc.read(read, &signal, MemoryLayout<CInt>.size) != MemoryLayout<CInt>.size {}
            end(by: signal)
        }
        // Whoever started this program may have held them back, as threads of a pool do.
        var held = sigset_t()
        sigemptyset(&held)
        for number in ending { sigaddset(&held, number) }
        pthread_sigmask(SIG_UNBLOCK, &held, nil)
        for number in ending where ![SIGHUP, SIGPIPE].contains(number) || !isIgnored(number) {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { signal in
                var signal = signal
                let before = errno
                _ = write(signalPipe.load(ordering: .sequentiallyConsistent), &signal, MemoryLayout<CInt>.size)
                errno = before
                // Who wrote into the pipe is to hear nothing of it, as when nothing catches the signal.
                while signal == SIGPIPE { pause() }
            }
            sigfillset(&action.sa_mask)
            action.sa_flags = SA_RESTART
            sigaction(number, &action, nil)
        }
    }

    /// Removes all of it, for a program that ends where it stands.
    public static func removeAll() {
        paths.withLock {
            for path in $0 { remove(all: path) }
        }
    }

    private static func isIgnored(_ signal: CInt) -> Bool {
        var action = sigaction()
        sigaction(signal, nil, &action)
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
            == unsafeBitCast(SIG_IGN as __sighandler_t?, to: Int.self)
    }

    private static func end(by signal: CInt) {
        // Held to the end: nothing may be made any more.
        paths.withLock {
            for path in $0 { remove(all: path) }
            Glibc.signal(signal, SIG_DFL)
            var own = sigset_t()
            sigemptyset(&own)
            sigaddset(&own, signal)
            pthread_sigmask(SIG_UNBLOCK, &own, nil)
            kill(getpid(), signal)
        }
    }

    private static func remove(all path: FilePath) {
        guard path.withPlatformString({ unlink($0) }) != 0, errno == EISDIR else { return }
        let folder = path.string
        // Files are still being made there.
        for _ in 0..<100 where access(folder, F_OK) == 0 { try? FileManager.default.removeItem(atPath: folder) }
    }
}

/// Where the handlers say which signal came; -1 before there are any.
private let signalPipe = Atomic<CInt>(-1)
