internal import Foundation
internal import Glibc
internal import Synchronization

/// Folders that backups and restorations of this process are filling, to be removed where a signal ends it.
///
/// What is complete, or may be an old data root, has another name by then and stays.
public enum UnfinishedFolders {
    private static let ending = [SIGINT, SIGTERM, SIGHUP]
    private static let paths = Mutex<Set<String>>([])

    static func enter(_ path: String) { paths.withLock { _ = $0.insert(path) } }

    static func leave(_ path: String) { paths.withLock { _ = $0.remove(path) } }

    /// From now on SIGINT, SIGTERM and SIGHUP remove the folders before they end this process; for a program that does
    /// nothing else with them.
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
            removeAll()
            Glibc.signal(signal, SIG_DFL)
            kill(getpid(), signal)
        }
        // Whoever started this program may have held them back, as threads of a pool do.
        var held = sigset_t()
        sigemptyset(&held)
        for number in ending { sigaddset(&held, number) }
        pthread_sigmask(SIG_UNBLOCK, &held, nil)
        for number in ending {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { signal in
                var signal = signal
                let before = errno
                _ = write(signalPipe.load(ordering: .sequentiallyConsistent), &signal, MemoryLayout<CInt>.size)
                errno = before
            }
            sigfillset(&action.sa_mask)
            action.sa_flags = SA_RESTART
            sigaction(number, &action, nil)
        }
    }

    private static func removeAll() {
        for path in paths.withLock({ $0 }) {
            // Files are still being made there.
            for _ in 0..<100 where access(path, F_OK) == 0 { try? FileManager.default.removeItem(atPath: path) }
        }
    }
}

/// Where the handlers say which signal came; -1 before there are any.
private let signalPipe = Atomic<CInt>(-1)
