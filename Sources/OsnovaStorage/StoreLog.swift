internal import Foundation
internal import Glibc
public import Logging
internal import Primitives

/// The store's log, `logs/osnova.log`: one line an entry, appended in one write, so that processes can share it.
public struct StoreLog: LogHandler {
    /// The least level that is written.
    public var logLevel: Logger.Level = .info
    /// What each line ends with, as `key=value`.
    public var metadata: Logger.Metadata = [:]
    private let label: String
    private let file: OwnedDescriptor?

    /// A logger that appends to a data root's log; says nothing where the log cannot be opened.
    public static func logger(for root: DataRoot, label: String) -> Logger {
        Logger(label: label) { StoreLog(path: root.log, label: $0) }
    }

    init(path: String, label: String) {
        self.label = label
        file = try? SystemCalls.open(path, O_WRONLY | O_APPEND | O_CREAT, mode: 0o600)
    }

    /// One value of the metadata.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Appends one line; a log that cannot be written is silent.
    public func log(event: LogEvent) {
        guard let file else { return }
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let details = all.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        let time = Date().formatted(.iso8601)
        let text = "\(time) \(event.level) \(label): \(event.message)\(details)"
        var line = text.replacing("\n", with: " ") + "\n"
        // A log that cannot be written must not stop what it tells of.
        line.withUTF8 { try? SystemCalls.write(file, UnsafeRawBufferPointer($0)) }
    }
}
