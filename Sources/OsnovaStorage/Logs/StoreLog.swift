internal import Foundation
public import Logging
internal import Primitives
internal import Tree

/// A log of the store: `logs/osnova.log`, or that of a component; processes share it.
///
/// Lines are written in batches: a warning or worse at once with all before it, others within a fifth of a second and
/// when the process ends well. A file of 4 MiB is rotated; three older ones are kept. Values whose names say that they
/// are secrets are never written.
public struct StoreLog: LogHandler {
    /// The least level that is written.
    public var logLevel: Logger.Level = .info
    /// What each line ends with, as `key=value`.
    public var metadata: Logger.Metadata = [:]
    private let label: String
    private let file: LogFile

    /// A logger that appends to a data root's log; says nothing where the log cannot be written.
    public static func logger(for root: DataRoot, label: String) -> Logger {
        Logger(label: label) { StoreLog(file: LogFiles.file(root.log), label: $0) }
    }

    /// A logger that appends to a component's log, `logs/components/<component-id>.log`.
    ///
    /// - Throws: what the digest of a very long id throws.
    public static func logger(for root: DataRoot, componentID: String) throws -> Logger {
        let file = LogFiles.file(try root.log(ofComponent: componentID))
        return Logger(label: componentID) { StoreLog(file: file, label: $0) }
    }

    /// Writes what waits in every log of this process; done by itself when the process ends well.
    public static func flush() {
        LogFiles.flush()
    }

    init(file: LogFile, label: String) {
        self.label = label
        self.file = file
    }

    /// One value of the metadata.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Appends one line.
    public func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let details = all.sorted { $0.key < $1.key }.map { " \($0.key)=\(Self.isSecret($0.key) ? "…" : "\($0.value)")" }
        let text = "\(Date().formatted(.iso8601)) \(event.level) \(label): \(event.message)\(details.joined())"
        file.append(Array((Self.printable(text) + "\n").utf8), isUrgent: event.level >= .warning)
    }

    /// One entry is one line, and no text of others steers the terminal that shows it.
    private static func printable(_ text: String) -> String {
        let scalars = text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }
        return String(String.UnicodeScalarView(scalars))
    }

    private static let secretWords = ["phrase", "password", "secret", "mnemonic", "private", "seed", "token", "passwd"]

    private static func isSecret(_ name: String) -> Bool {
        let name = name.lowercased()
        return secretWords.contains { name.contains($0) }
    }
}

extension DataRoot {
    /// The log of a component; its id is escaped, and cut where rotation needs the room, as names in the mount are.
    func log(ofComponent id: String) throws -> String {
        let name = try FileName.encode(Array(id.utf8), atMost: FileName.longest - ".log.1".utf8.count)
        return "\(path)/logs/components/\(String(decoding: name, as: UTF8.self)).log"
    }
}
