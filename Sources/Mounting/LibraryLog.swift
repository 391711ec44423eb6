internal import CFuse
internal import Glibc
internal import Synchronization

/// libfuse's own messages, kept so that they become part of one error line instead of lines of their own.
enum LibraryLog {
    private static let longest = 4096
    private static let text = Mutex("")
    private static let installed: Void = fuse_set_log_func(keepLibraryMessage)

    /// Takes over libfuse's log for the process.
    static func install() { _ = installed }

    /// What libfuse said since the last call, in one line; nil where it was silent.
    static func take() -> String? {
        let said = text.withLock { text in
            defer { text = "" }
            return text
        }
        let lines = said.split(separator: "\n").map { $0.hasPrefix("fuse: ") ? $0.dropFirst(6) : $0 }
        return lines.isEmpty ? nil : lines.joined(separator: "; ")
    }

    fileprivate static func keep(_ message: String) {
        text.withLock { text in
            if text.utf8.count + message.utf8.count <= longest { text += message }
        }
    }
}

/// libfuse's log function: requests (`debug`) go to standard error as libfuse would do, the rest is kept.
private func keepLibraryMessage(level: fuse_log_level, format: UnsafePointer<CChar>?, arguments: CVaListPointer?) {
    guard let format, let arguments else { return }
    var message = [CChar](repeating: 0, count: 1024)
    vsnprintf(&message, message.count, format, arguments)
    let bytes = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    if level.rawValue >= FUSE_LOG_INFO.rawValue {
        _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    } else {
        LibraryLog.keep(String(decoding: bytes, as: UTF8.self))
    }
}
