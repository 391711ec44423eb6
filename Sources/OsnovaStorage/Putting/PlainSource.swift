internal import Glibc
internal import Primitives
internal import SystemPackage

/// What is wrong with one plaintext; it says nothing about the store or the next plaintext.
struct SourceFailure: Error {
    let reason: OsnovaError
}

/// A plaintext that is being read: a regular file that must not change meanwhile, or a stream.
///
/// Throws nothing but ``SourceFailure``.
struct PlainSource {
    /// For messages.
    let name: String
    let file: OwnedDescriptor
    /// What the file was when it was opened; nil for a stream.
    private let status: SystemCalls.Status?

    /// Opens a regular file.
    init(path: FilePath) throws {
        name = path.string
        do {
            // Non-blocking, so that opening a FIFO does not wait for its writer before it is refused.
            file = OwnedDescriptor(try FileDescriptor.open(path, .readOnly, options: [.nonBlocking, .closeOnExec]))
            let status = try SystemCalls.status(of: file)
            guard status.type == S_IFREG else { throw Self.refusal(name, status.type) }
            self.status = status
        } catch let error as Errno {
            // That is what opening a socket gives.
            if error == .noSuchAddressOrDevice { throw Self.refusal(name, S_IFSOCK) }
            throw SourceFailure(reason: error.failure("reading \(path.string)"))
        }
    }

    /// Takes a stream, such as standard input.
    init(stream: FileDescriptor, name: String) throws {
        self.name = name
        do {
            file = OwnedDescriptor(try stream.duplicate())
        } catch let error as Errno {
            throw SourceFailure(reason: error.failure("reading \(name)"))
        }
        status = nil
    }

    private static func refusal(_ path: String, _ type: mode_t) -> SourceFailure {
        let line =
            switch type {
            case S_IFDIR: "\(path) is a directory: give -r to put it with all it holds"
            case S_IFIFO: "\(path) is a FIFO, not a file: put its content with 'put - < \(path)'"
            default: "\(path) is not a regular file"
            }
        return SourceFailure(reason: OsnovaError(.usage, line))
    }

    /// Bytes; nil for a stream.
    var size: Int64? { status?.size }

    /// The next bytes of the plaintext: as many as fit, less at the end.
    func read(into memory: UnsafeMutableRawBufferPointer) throws -> Int {
        do {
            return try SystemCalls.readStream(file, into: memory)
        } catch {
            throw SourceFailure(reason: error.failure("reading \(name)", kind: .inputOutput))
        }
    }

    /// A part of a regular file, whatever is read next: as many bytes as fit, less at the end.
    func peek(at offset: Int64, into memory: UnsafeMutableRawBufferPointer) throws -> Int {
        do {
            return try SystemCalls.read(file, into: memory, at: offset)
        } catch {
            throw SourceFailure(reason: error.failure("reading \(name)", kind: .inputOutput))
        }
    }

    /// Goes back to the beginning of a file.
    func rewind() throws {
        do {
            try file.descriptor.seek(offset: 0, from: .start)
        } catch let error as Errno {
            throw SourceFailure(reason: error.failure("reading \(name)", kind: .inputOutput))
        }
    }

    /// Refuses a file that is no longer what it was when it was opened.
    func checkUnchanged(bytesRead: Int64) throws {
        guard let status else { return }
        guard let now = try? SystemCalls.status(of: file), now.size == status.size, bytesRead == status.size,
            now.modified == status.modified
        else {
            throw SourceFailure(
                reason: OsnovaError(
                    .busy, "\(name) changed while it was read: nothing of it was stored, put it again"))
        }
    }
}
