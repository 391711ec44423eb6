internal import ArgumentParser
internal import Foundation
internal import Glibc
internal import Primitives
internal import SystemPackage

/// Where content goes that a command writes: a file that is replaced as a whole, or what is written to as it is.
enum OutputTarget {
    case file(WholeFile)
    /// A device, a FIFO, or a stream that whoever started this program opened.
    case stream(OwnedDescriptor, name: String)

    /// More links, one to another, than the kernel follows.
    private static let mostLinks = 40

    /// Looks at what is there, before the program opens files of its own whose numbers could be meant.
    ///
    /// - Throws: `cannotCreate`, for a directory too.
    init(_ argument: PathArgument) throws {
        do {
            self = try Self.find(argument)
        } catch let error as Errno {
            throw error.failure("writing \(argument.path.string)", kind: .cannotCreate)
        }
    }

    private static func find(_ argument: PathArgument) throws -> OutputTarget {
        if argument.isStandardStream { return try .open(STDOUT_FILENO, name: "standard output") }
        let given = argument.path
        let path = following(given)
        if let number = inherited(path) { return try .open(number, name: given.string) }
        let status = try status(of: given)
        let isDirectory = status.map { $0.st_mode & S_IFMT == S_IFDIR } ?? false
        // A `FilePath` does without the slash, and a file of that name would be made or replaced.
        guard isDirectory || !argument.argument.hasSuffix("/") else {
            throw OsnovaError(.cannotCreate, "writing \(argument.argument): there is no such directory: name a file")
        }
        guard let status else { return .file(WholeFile(path, replacing: nil)) }
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            throw OsnovaError(.cannotCreate, "writing \(given.string): it is a directory: name a file in it")
        case S_IFREG:
            // A link of /proc leads to its file even where that has another name by now, or none.
            guard let named = try Self.status(of: path), named.st_ino == status.st_ino, named.st_dev == status.st_dev
            else { return try .open(given) }
            return .file(WholeFile(path, replacing: status))
        default: return try .open(given)
        }
    }

    private static func open(_ path: FilePath) throws -> OutputTarget {
        let options: FileDescriptor.OpenOptions = [.truncate, .closeOnExec, .init(rawValue: O_NOCTTY)]
        return .stream(OwnedDescriptor(try FileDescriptor.open(path, .writeOnly, options: options)), name: path.string)
    }

    private static func open(_ number: CInt, name: String) throws -> OutputTarget {
        .stream(try OwnedDescriptor(copying: number), name: name)
    }

    /// Where the links of a path's last part lead; what is there need not exist.
    private static func following(_ path: FilePath) -> FilePath {
        var path = path
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        for _ in 0..<mostLinks {
            guard inherited(path) == nil else { break }
            let count = path.withPlatformString { readlink($0, &buffer, Int(PATH_MAX)) }
            guard count > 0 else { break }
            buffer[count] = 0
            path = path.removingLastComponent().pushing(FilePath(platformString: buffer))
        }
        return path
    }

    /// The number of an open file that a path names: to be written on where it stands, and not begun anew.
    private static func inherited(_ path: FilePath) -> CInt? {
        guard ["/dev/fd", "/proc/self/fd"].contains(path.removingLastComponent()) else { return nil }
        return (path.lastComponent?.string).flatMap { CInt($0) }
    }

    /// What is at a path; nil for nothing.
    private static func status(of path: FilePath) throws -> stat? {
        var status = stat()
        guard path.withPlatformString({ stat($0, &status) }) != 0 else { return status }
        guard errno == ENOENT else { throw Errno(rawValue: errno) }
        return nil
    }
}

extension OutputTarget {
    /// Calls `body` with a file that it writes from the beginning to the end.
    ///
    /// - Parameter permissions: of a new file, from which those of the umask are taken.
    func write(permissions: FilePermissions, _ body: (OwnedDescriptor) throws -> Void) throws {
        switch self {
        case .file(let file): try file.write(permissions: permissions, body)
        case .stream(let stream, let name):
            do {
                try body(stream)
                try Self.synchronize(stream)
            } catch let error as Errno {
                throw ExitStatus.failure(of: error, writing: name)
            }
        }
    }

    /// Calls `body` with a file that it writes at whatever offsets; a stream gets it when it is complete.
    func writeAnywhere(permissions: FilePermissions, _ body: (OwnedDescriptor) throws -> Void) throws {
        guard case .stream = self else { return try write(permissions: permissions, body) }
        let whole = try Self.scratch()
        try write(permissions: permissions) { stream in
            try body(whole)
            let piece = ScratchBuffer(count: 1 << 20)
            try withExtendedLifetime(piece) {
                var offset: Int64 = 0
                while case let count = try SystemCalls.read(whole, into: piece.bytes, at: offset), count > 0 {
                    try SystemCalls.write(stream, UnsafeRawBufferPointer(rebasing: piece.bytes.prefix(count)))
                    offset += Int64(count)
                }
            }
        }
    }

    /// An empty file of `$TMPDIR` that is gone with its descriptor.
    private static func scratch() throws -> OwnedDescriptor {
        let folder = FileManager.default.temporaryDirectory.path
        do {
            let path = "\(folder)/osnovafs-\(UUID().uuidString.lowercased())"
            let file = try SystemCalls.open(path, O_RDWR | O_CREAT | O_EXCL)
            unlink(path)
            return file
        } catch {
            throw error.failure("making a file in \(folder)", kind: .cannotCreate)
        }
    }

    private static func synchronize(_ stream: OwnedDescriptor) throws(Errno) {
        do {
            try SystemCalls.synchronize(stream)
        } catch .invalidArgument, .readOnlyFileSystem {
            // What has no disk behind it: a pipe, a terminal, /dev/null.
        }
    }
}

extension PathArgument {
    /// - Throws: a usage error where content and a document would both go to standard output.
    func refuseStandardOutput(beside json: Bool) throws {
        guard json, isStandardStream else { return }
        throw ValidationError("-o - and --json are both for standard output: name a file, or leave out --json.")
    }
}
