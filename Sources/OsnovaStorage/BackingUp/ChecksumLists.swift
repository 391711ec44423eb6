internal import Primitives

/// The SHA-256 of every sealed file of a backup, from the lists in `checksums/`.
///
/// The lists need not be believed: a generation's manifest has the digest of the lines that it relies on.
struct ChecksumLists: Sendable {
    private(set) var sums: [String: String] = [:]
    private(set) var added: [String: String] = [:]

    /// Begins the name of a list in place of all that were there before it; other lists have the names of generations.
    static let mergedPrefix = "pruned-"
    /// Bytes of a line, of which 66 are no path: the longest path of a backup has less than 200.
    private static let longestLine = 1024
    /// A list is written in pieces, since it may be of any size.
    private static let linesOfPiece = 4096

    /// Reads all lists; what is no list, or no line of one, is passed over, and then missed.
    init(in backup: String) throws {
        let folder = "\(backup)/\(BackupLayout.checksums)"
        // What a later list says of a path holds, and a merged one is older than the generations after it.
        let names = try BackupFiles.names(in: folder)
        let merged = names.filter { $0.hasPrefix(Self.mergedPrefix) }
        for name in merged + names.filter({ !$0.hasPrefix(Self.mergedPrefix) }) {
            try read("\(folder)/\(name)")
        }
    }

    private mutating func read(_ path: String) throws {
        var lines = LineSplitter(longest: Self.longestLine)
        do {
            try UnreadableFiles.areDamaged {
                let file = try BackupFiles.open(path)
                try BackupFiles.forEachPiece(of: file, path) { piece in lines.add(piece) { read(line: $0) } }
            }
            lines.finish { read(line: $0) }
        } catch let error as OsnovaError where error.kind == .damaged {
            return
        }
    }

    private mutating func read(line: String) {
        let fields = line.split(separator: " ", maxSplits: 1)
        guard fields.count == 2, ContentID(hex: String(fields[0])) != nil, fields[1].hasPrefix(" ") else { return }
        sums[String(fields[1].dropFirst())] = String(fields[0])
    }

    /// Enters a file that is in the backup now.
    mutating func add(_ path: String, _ sum: ContentID) {
        sums[path] = sum.hex
        added[path] = sum.hex
    }

    /// Writes the lines of some files as a list of a backup.
    ///
    /// - Returns: its bytes.
    static func write(_ sums: [String: String], as name: String, in backup: String) throws -> Int64 {
        var rest = sums.sorted { $0.key < $1.key }[...]
        var size: Int64 = 0
        try BackupFiles.write(name, in: "\(backup)/\(BackupLayout.checksums)") { append in
            while !rest.isEmpty {
                let text = rest.prefix(linesOfPiece).flatMap { Array("\($0.value)  \($0.key)\n".utf8) }
                rest = rest.dropFirst(linesOfPiece)
                try text.withUnsafeBytes(append)
                size += Int64(text.count)
            }
        }
        return size
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
