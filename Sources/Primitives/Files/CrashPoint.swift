internal import Glibc
internal import Synchronization

/// Where a test may have the process die: before each operation that changes a disk.
///
/// `OSNOVAFS_CRASH_AT=N` in the environment kills the process at the Nth point, as a power cut or `kill -9` would. It is
/// in every build, so that what people get is what is tested. It opens nothing to anybody: who chooses a process's
/// environment may kill it anyway. Without the variable a point costs a comparison.
public enum CrashPoint {
    private static let limit = getenv("OSNOVAFS_CRASH_AT").flatMap { Int(String(cString: $0)) } ?? 0
    private static let passed = Atomic(0)

    /// Dies here if this is the point that was asked for.
    public static func pass() {
        guard limit > 0 else { return }
        if passed.add(1, ordering: .relaxed).newValue >= limit { kill(getpid(), SIGKILL) }
    }
}
