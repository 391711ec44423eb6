internal import Glibc

/// One process, told from a later one that got the same number.
struct ProcessIdentity: Equatable, Sendable {
    let processID: Int64
    /// Clock ticks after boot.
    let startTime: Int64
    /// The boot and the PID namespace that the number belongs to.
    let origin: String

    /// The identity of a process that lives now; nil where there is none.
    init?(livingProcess processID: Int64) {
        guard let startTime = Self.startTime(of: processID) else { return nil }
        self.processID = processID
        self.startTime = startTime
        origin = Self.ownOrigin
    }

    init(processID: Int64, startTime: Int64, origin: String) {
        self.processID = processID
        self.startTime = startTime
        self.origin = origin
    }

    /// Whether the process still lives; nil where this cannot be known from here: another PID namespace.
    var isAlive: Bool? {
        guard origin == Self.ownOrigin else {
            // Nothing survives a boot.
            return origin.split(separator: " ").first == Self.ownOrigin.split(separator: " ").first ? nil : false
        }
        return Self.startTime(of: processID) == startTime
    }

    static let ownOrigin = "\(readText("/proc/sys/kernel/random/boot_id") ?? "?") \(namespace)"

    private static let namespace: String = {
        var target = [CChar](repeating: 0, count: 64)
        let count = readlink("/proc/self/ns/pid", &target, target.count - 1)
        return count > 0 ? String(decoding: target[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : "?"
    }()

    /// Field 22 of `/proc/<pid>/stat`; nil for no such process, and for one that ended and was not waited for.
    static func startTime(of processID: Int64) -> Int64? {
        // The second field, the name, is in parentheses and may hold anything.
        guard processID > 0, let text = readText("/proc/\(processID)/stat"), let end = text.lastIndex(of: ")") else {
            return nil
        }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, fields[0] != "Z", fields[0] != "X" else { return nil }
        return Int64(fields[19])
    }

    /// Unix seconds at which a process started, to a second or so; nil for no such process.
    static func startSecond(of processID: Int64) -> Int64? {
        guard let ticks = startTime(of: processID), let boot = bootSecond else { return nil }
        return boot + ticks / max(1, Int64(sysconf(CInt(_SC_CLK_TCK))))
    }

    private static let bootSecond: Int64? = readText("/proc/stat")?.split(separator: "\n")
        .first { $0.hasPrefix("btime ") }.flatMap { Int64($0.dropFirst(6)) }

    private static func readText(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = read(file, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        let text = String(decoding: bytes, as: UTF8.self)
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }
}
