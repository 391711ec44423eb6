internal import Glibc
internal import Primitives
internal import SystemPackage

/// What is wrong with one plaintext; it says nothing about the store or the next plaintext.
struct SourceFailure: Error {
    let reason: OsnovaError
    /// What helps who puts files under names; whoever installs or caches one has no such choice.
    var advice: String?

    /// The reason with the advice.
    var adviced: OsnovaError {
        guard let advice else { return reason }
        return OsnovaError(reason.kind, "\(reason.message): \(advice)")
    }
}

/// A plaintext that is being read: a regular file that must not change meanwhile, a stream, or bytes in memory.
///
/// Throws nothing but ``SourceFailure``.
struct PlainSource {
    private enum Origin {
        /// With what it was when it was opened.
        case file(OwnedDescriptor, SystemCalls.Status)
        case stream(OwnedDescriptor)
        case memory(MemoryReader)
    }

    /// For messages.
    let name: String
    private let origin: Origin

    /// Opens a regular file.
    init(path: FilePath) throws {
        name = path.string
        let (file, status) = try Self.openFile(path)
        origin = .file(file, status)
    }

    /// Opens a regular file, and nothing else.
    static func openFile(_ path: FilePath) throws -> (file: OwnedDescriptor, status: SystemCalls.Status) {
        do {
            // Non-blocking, so that opening a FIFO does not wait for its writer before it is refused.
            let file = OwnedDescriptor(
                try FileDescriptor.open(path, .readOnly, options: [.nonBlocking, .closeOnExec]))
            let status = try SystemCalls.status(of: file)
            guard status.type == S_IFREG else { throw refusal(path.string, status.type) }
            return (file, status)
        } catch let error as Errno {
            // That is what opening a socket gives.
            if error == .noSuchAddressOrDevice { throw refusal(path.string, S_IFSOCK) }
            throw SourceFailure(reason: error.failure("reading \(path.string)"))
        }
    }

    /// Takes a stream, such as standard input.
    init(stream: FileDescriptor, name: String) throws {
        self.name = name
        do {
            origin = .stream(OwnedDescriptor(try stream.duplicate()))
        } catch let error as Errno {
            throw SourceFailure(reason: error.failure("reading \(name)"))
        }
    }

    /// Takes what is in memory.
    init(bytes: [UInt8]) {
        name = "bytes in memory"
        origin = .memory(MemoryReader(bytes))
    }

    private static func refusal(_ path: String, _ type: mode_t) -> SourceFailure {
        let (what, advice): (String, String?) =
            switch type {
            case S_IFDIR: ("a directory, not a file", "give -r to put it with all it holds")
            case S_IFIFO: ("a FIFO, not a file", asStream(path))
            default: ("not a regular file", nil)
            }
        return SourceFailure(reason: OsnovaError(.usage, "\(path) is \(what)"), advice: advice)
    }

    private static func asStream(_ path: String) -> String { "put its content with 'put - < \(path)'" }

    /// Bytes; nil for a stream, and for a file that is empty or has a content that its size does not tell, as those of
    /// `/proc` have.
    var size: Int64? {
        switch origin {
        case .file(_, let status): status.size > 0 ? status.size : nil
        case .stream: nil
        case .memory(let reader): Int64(reader.bytes.count)
        }
    }

    /// The next bytes of the plaintext: as many as fit, less at the end.
    func read(into memory: UnsafeMutableRawBufferPointer) throws -> Int {
        switch origin {
        case .file(let file, _), .stream(let file): try reading { try SystemCalls.readStream(file, into: memory) }
        case .memory(let reader): reader.read(into: memory)
        }
    }

    /// A part of what has a size, whatever is read next: as many bytes as fit, less at the end.
    func peek(at offset: Int64, into memory: UnsafeMutableRawBufferPointer) throws -> Int {
        switch origin {
        case .file(let file, _), .stream(let file):
            try reading { try SystemCalls.read(file, into: memory, at: offset) }
        case .memory(let reader): reader.copy(from: Int(clamping: offset), into: memory)
        }
    }

    /// Goes back to the beginning of what has a size.
    func rewind() throws {
        switch origin {
        case .file(let file, _), .stream(let file):
            _ = try reading { try file.descriptor.seek(offset: 0, from: .start) }
        case .memory(let reader): reader.position = 0
        }
    }

    private func reading<Result>(_ call: () throws -> Result) throws -> Result {
        do {
            return try call()
        } catch let error as Errno {
            throw SourceFailure(reason: error.failure("reading \(name)", kind: .inputOutput))
        }
    }

    /// Refuses a file that is no longer what it was when it was opened.
    func checkUnchanged(bytesRead: Int64) throws {
        guard case .file(let file, let status) = origin else { return }
        guard let now = try? SystemCalls.status(of: file), now.size == status.size, now.modified == status.modified
        else {
            throw SourceFailure(
                reason: OsnovaError(.busy, "\(name) changed while it was read: nothing of it was stored, try again"))
        }
        guard bytesRead == status.size || size == nil else {
            let line = "\(name) is said to have \(status.size) bytes and has \(bytesRead): nothing of it was stored"
            // As files of /sys are.
            throw SourceFailure(reason: OsnovaError(.busy, line), advice: Self.asStream(name))
        }
    }
}

/// Bytes in memory, and how far they are read.
private final class MemoryReader {
    let bytes: [UInt8]
    var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    func read(into memory: UnsafeMutableRawBufferPointer) -> Int {
        let count = copy(from: position, into: memory)
        position += count
        return count
    }

    func copy(from start: Int, into memory: UnsafeMutableRawBufferPointer) -> Int {
        let piece = bytes.dropFirst(max(0, start)).prefix(memory.count)
        memory.copyBytes(from: piece)
        return piece.count
    }
}
