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
    var size: Int64? { status.flatMap { $0.size > 0 ? $0.size : nil } }

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
