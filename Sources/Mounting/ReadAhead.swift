internal import Glibc
internal import Primitives

/// How much the kernel reads ahead of a program that reads a file from front to back.
enum ReadAhead {
    /// KiB; the kernel's own 128 leave a sequential reader waiting most of the time (`docs/performance.md`).
    static let size = 2048

    /// Raises the read-ahead of a mount, after the kernel agreed to the connection, which sets it back.
    ///
    /// Only root may; for everybody else the kernel's own size stays.
    static func raise(device: String) {
        let setting = "/sys/class/bdi/\(device)/read_ahead_kb"
        guard let file = try? SystemCalls.open(setting, O_WRONLY) else { return }
        try? Array("\(size)".utf8).withUnsafeBytes { try SystemCalls.write(file, $0) }
    }
}
