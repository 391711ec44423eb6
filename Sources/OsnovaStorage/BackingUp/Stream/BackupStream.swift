internal import Primitives
public import SystemPackage
internal import Foundation
internal import Glibc

/// Backs a store up as one tar stream, sealed as it is, in constant memory; needs no key.
///
/// Unpacked, the stream is a backup of one generation in a directory. Its manifest is the last member, so a stream that was
/// cut has none. Nothing of it is written before all that goes into it is held fast (``BackupStaging``).
public struct BackupStream {
    private let store: Store
    private let onProgress: (Int) -> Void

    /// The order of members: what a manifest names comes before it.
    private static let folders = [
        BackupLayout.databases, BackupLayout.files, BackupLayout.blobs, BackupLayout.otherSealings,
        BackupLayout.checksums, BackupLayout.generations,
    ]

    /// Readies a stream.
    ///
    /// - Parameter onProgress: told the bytes just written.
    public init(store: Store, onProgress: @escaping (Int) -> Void = { _ in }) {
        self.store = store
        self.onProgress = onProgress
    }

    /// Writes a generation to an open file, a pipe or a socket.
    ///
    /// - Throws: `inputOutput` where nobody reads any more.
    public func run(to output: FileDescriptor) throws -> BackupReport {
        do {
            let output = OwnedDescriptor(try output.duplicate())
            // Who goes away early is noticed by the write that fails.
            signal(SIGPIPE, SIG_IGN)
            return try run(to: output)
        } catch let error as Errno {
            throw error.failure("writing the stream", kind: .inputOutput)
        }
    }

    /// Writes a generation to the standard input of a command of the shell.
    ///
    /// - Throws: `inputOutput` where the command fails.
    public func run(command: String) throws -> BackupReport {
        var report: BackupReport?
        try PipedCommand(line: command).run(writing: { report = try run(to: $0) })
        guard let report else { throw OsnovaError(.inputOutput, "nothing was written to: \(command)") }
        return report
    }

    private func run(to output: OwnedDescriptor) throws -> BackupReport {
        let staging = try BackupStaging(in: store)
        return try withExtendedLifetime(staging) {
            var report = try Backup(store: store, staging: staging, onProgress: { _ in }).run()
            let archive = TarWriter(to: output)
            var written: Int64 = 0
            for path in [BackupLayout.marker] + Self.folders.flatMap({ Self.files(in: $0, of: staging.path) }) {
                try archive.add(BackupFiles.open("\(staging.path)/\(path)"), as: path) { count in
                    written += Int64(count)
                    onProgress(count)
                }
            }
            try archive.finish()
            report.writtenBytes = written
            report.sharedBytes = 0
            return report
        }
    }

    private static func files(in folder: String, of backup: String) -> [String] {
        let paths = FileManager.default.enumerator(atPath: "\(backup)/\(folder)")?.compactMap { $0 as? String } ?? []
        return paths.sorted().map { "\(folder)/\($0)" }.filter { path in
            var status = stat()
            return lstat("\(backup)/\(path)", &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        }
    }
}

/// Unpacks a stream into a directory, where it is a backup like any other and is not believed before it was checked.
enum BackupUnpacking {
    /// Unpacks until the stream ends.
    ///
    /// - Throws: `damaged` for what is no stream of a backup, or is cut.
    static func unpack(_ stream: OwnedDescriptor, into folder: String, onProgress: @escaping (Int) -> Void) throws {
        for name in BackupLayout.directories { try BackupFiles.makeDirectory("\(folder)/\(name)") }
        try TarReader(from: stream).forEachFile { path, content in
            var names = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            if names.first == "." { names.removeFirst() }
            // What another program packed with a backup: files that were being written, and the desktop's own.
            if names.contains(where: { $0.hasPrefix(".") }), !names.contains(where: [".", ".."].contains) {
                return try content { _ in }
            }
            guard let target = target(of: names, in: folder) else { throw refusal(path, names) }
            do {
                let file = try SystemCalls.open(target, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW)
                try content { piece in
                    try SystemCalls.write(file, piece)
                    onProgress(piece.count)
                }
            } catch let error as Errno {
                throw error.failure("writing \(target)", kind: .inputOutput)
            }
        }
    }

    private static func refusal(_ path: String, _ names: [String]) -> OsnovaError {
        let inner = names.dropFirst().first ?? ""
        let isPrefixed = inner == BackupLayout.marker || names.count > 2 && BackupLayout.directories.contains(inner)
        let name = PrintablePath.encode(Array(path.utf8))
        guard isPrefixed, let folder = names.first.map({ PrintablePath.encode(Array($0.utf8)) }) else {
            return OsnovaError.damaged("the stream holds \(name): it is no backup")
        }
        return OsnovaError.damaged(
            "the stream holds \(name): it is not a backup but a folder with one; pack it with 'tar -C \(folder) -cf … .'"
        )
    }

    /// Where a member belongs; nil for a path that no backup has.
    private static func target(of names: [String], in folder: String) -> String? {
        let isPlain = names.allSatisfy { name in
            !name.isEmpty && !name.hasPrefix(".") && name.utf8.count <= 255 && !name.utf8.contains(0)
        }
        guard isPlain else { return nil }
        switch (names.first, names.count) {
        case (BackupLayout.marker, 1): break
        case (BackupLayout.otherSealings, 3):
            guard (try? BackupFiles.makeDirectory("\(folder)/\(names[0])/\(names[1])")) != nil else { return nil }
        case (let first?, 2) where first != BackupLayout.otherSealings && BackupLayout.directories.contains(first):
            break
        default: return nil
        }
        return "\(folder)/\(names.joined(separator: "/"))"
    }
}
