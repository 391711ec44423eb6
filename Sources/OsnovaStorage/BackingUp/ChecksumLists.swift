internal import Primitives

/// The SHA-256 of every sealed file of a backup, from the lists in `checksums/`.
///
/// The lists need not be believed: a generation's manifest has the digest of the lines that it relies on.
struct ChecksumLists: Sendable {
    private(set) var sums: [String: String] = [:]
    private(set) var added: [String: String] = [:]

    /// Begins the name of a list in place of all that were there before it; other lists have the names of generations.
    static let mergedPrefix = "pruned-"

    /// Reads all lists; what is no list, or no line of one, is passed over, and then missed.
    init(in backup: String) throws {
        let folder = "\(backup)/\(BackupLayout.checksums)"
        // What a later list says of a path holds, and a merged one is older than the generations after it.
        let names = try BackupFiles.names(in: folder)
        let merged = names.filter { $0.hasPrefix(Self.mergedPrefix) }
        for name in merged + names.filter({ !$0.hasPrefix(Self.mergedPrefix) }) {
            for line in try Self.content(of: "\(folder)/\(name)").split(separator: "\n") {
                let fields = line.split(separator: " ", maxSplits: 1)
                guard fields.count == 2, ContentID(hex: String(fields[0])) != nil, fields[1].hasPrefix(" ") else {
                    continue
                }
                sums[String(fields[1].dropFirst())] = String(fields[0])
            }
        }
    }

    private static func content(of path: String) throws -> String {
        do {
            return String(decoding: try BackupFiles.read(path, atMost: BackupLayout.largestList), as: UTF8.self)
        } catch let error as OsnovaError where error.kind == .damaged {
            return ""
        }
    }

    /// Enters a file that is in the backup now.
    mutating func add(_ path: String, _ sum: ContentID) {
        sums[path] = sum.hex
        added[path] = sum.hex
    }

    /// The lines of some files as a list.
    static func text(_ sums: [String: String]) -> [UInt8] {
        sums.sorted { $0.key < $1.key }.flatMap { Array("\($0.value)  \($0.key)\n".utf8) }
    }

    /// The SHA-256 of the lines of files, in the order of their paths.
    func digest(of paths: [String]) throws -> String {
        let digest = try SHA256()
        for path in paths.sorted() {
            let line = "\(sums[path] ?? "missing")  \(path)\n"
            Array(line.utf8).withUnsafeBytes { digest.update($0) }
        }
        return try digest.finish().hex
    }
}
