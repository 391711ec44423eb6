public import Primitives
internal import Glibc
internal import SystemPackage

/// The directory `blobs/` of a data root: sealed files under the SHA-256 of their plaintext.
///
/// Knows names and durability, not contents. Safe to use from several threads and beside other processes.
public final class BlobDirectory: Sendable {
    /// What a file of the directory is by its name.
    public enum Entry: Sendable, Equatable {
        /// `<sha256>.enc`.
        case blob(ContentID)
        /// A file that some `IncomingBlob` is being written to, or was when its process died.
        case temporary(String)
        /// Anything else; this program never makes such a file.
        case stranger(String)
    }

    static let suffix = ".enc"
    static let temporaryPrefix = ".incoming-"

    let directory: OwnedDescriptor
    private let unnamedFiles: UnnamedFiles
    /// Where the directory lies, for messages.
    public let path: String

    /// Opens the directory, which must exist.
    public init(path: String) throws {
        self.path = path
        do {
            directory = try SystemCalls.open(path, O_RDONLY | O_DIRECTORY)
        } catch {
            throw error.failure("opening the blob directory \(path)")
        }
        unnamedFiles = SystemCalls.unnamedFiles(in: directory)
    }

    /// Opens a sealed file for reading.
    ///
    /// - Throws: `notFound` where there is none, `damaged` where something else has its name.
    public func open(_ id: ContentID) throws -> OwnedDescriptor { try openWithStatus(id).file }

    /// Opens a sealed file for reading and tells its size and age; throws as ``open(_:)`` does.
    public func openWithStatus(_ id: ContentID) throws -> (file: OwnedDescriptor, status: SystemCalls.Status) {
        do {
            return try openRegular(id)
        } catch let error as Errno {
            throw error.failure("opening \(path)/\(Self.name(of: id))")
        }
    }

    /// Opens a sealed file for whoever tells what is wrong with it and goes on with the next.
    ///
    /// - Throws: as ``open(_:)`` does, but `damaged` for a file that its own permissions or its disk refuse; `denied` is left
    ///   for a directory that may not be entered.
    public func openToCheck(_ id: ContentID) throws -> OwnedDescriptor {
        do {
            return try openRegular(id).file
        } catch let error as Errno {
            let failure = error.failure("opening \(path)/\(Self.name(of: id))")
            let isRefused = error == .permissionDenied && (try? status(of: id)) != nil
            guard isRefused || error == .ioError || error == Self.corrupt else { throw failure }
            throw OsnovaError.damaged(failure.message)
        }
    }

    /// What ext4 and XFS say of an inode that they cannot make sense of (EUCLEAN).
    private static let corrupt = Errno(rawValue: 117)

    private func openRegular(_ id: ContentID) throws -> (file: OwnedDescriptor, status: SystemCalls.Status) {
        do {
            // Non-blocking: a FIFO in its place would wait for a writer.
            let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
            let file = try SystemCalls.open(at: directory, Self.name(of: id), flags)
            let status = try SystemCalls.status(of: file)
            if status.type == S_IFREG { return (file, status) }
        } catch {
            if !SystemCalls.tellsNoFile(error) { throw error }
        }
        throw OsnovaError.damaged("\(path)/\(Self.name(of: id)) is no regular file")
    }

    /// The size in bytes and the age of a sealed file; nil where there is no such regular file.
    public func status(of id: ContentID) throws -> SystemCalls.Status? {
        do {
            let status = try SystemCalls.status(at: directory, Self.name(of: id))
            return status.type == S_IFREG ? status : nil
        } catch {
            if error == .noSuchFileOrDirectory { return nil }
            throw error.failure("looking for \(path)/\(Self.name(of: id))")
        }
    }

    /// When a name last came or went, in Unix nanoseconds.
    public func modified() throws -> Int64 {
        do {
            return try SystemCalls.status(of: directory).modified
        } catch {
            throw error.failure("looking at \(path)")
        }
    }

    /// Starts a file that becomes a blob when it is complete.
    ///
    /// - Parameter replacing: whether it is to take the place of a file that is there.
    public func begin(replacing: Bool = false) throws -> IncomingBlob {
        // What takes another's place must be durable under a name before.
        try begin(replacing && unnamedFiles == .unjournaled ? .unsupported : unnamedFiles)
    }

    /// Starts one as on a disk of some kind.
    func begin(_ unnamedFiles: UnnamedFiles) throws -> IncomingBlob {
        do {
            return try IncomingBlob(in: directory, path: path, unnamedFiles)
        } catch let error as Errno {
            throw error.failure("creating a file in \(path)", kind: .cannotCreate)
        }
    }

    /// Gives a complete, synchronized file its name; the name is durable after ``synchronize(namesOf:)``.
    ///
    /// - Parameter replacing: whether to take the place of an existing file, known to be damaged.
    /// - Returns: false where the name exists already and stays as it is.
    public func commit(_ incoming: IncomingBlob, as id: ContentID, replacing: Bool = false) throws -> Bool {
        do {
            return try incoming.name(Self.name(of: id), replacing: replacing)
        } catch let error as Errno {
            throw error.failure("naming \(path)/\(Self.name(of: id))")
        }
    }

    /// Gives a sealed file of another directory a name here, so that both name one file.
    ///
    /// - Returns: false where the two directories' disks cannot: then nothing has changed.
    public func link(_ file: OwnedDescriptor, as id: ContentID) throws -> Bool {
        do {
            return try SystemCalls.link(file, at: directory, as: Self.name(of: id))
        } catch {
            throw error.failure("naming \(path)/\(Self.name(of: id))", kind: .inputOutput)
        }
    }

    /// Makes the content of files durable, before they get their names.
    ///
    /// - Parameter own: as for ``synchronizeDisk(through:)``.
    public func synchronize(contentsOf files: [IncomingBlob], through own: OwnedDescriptor? = nil) throws {
        if files.count > 1 { try synchronizeDisk(through: own) } else { try files.first?.synchronize() }
    }

    /// Makes the names durable that files were given.
    ///
    /// - Parameter own: as for ``synchronizeDisk(through:)``.
    public func synchronize(namesOf files: [IncomingBlob], through own: OwnedDescriptor? = nil) throws {
        try synchronize(contentsOf: files.filter(\.isRemovedOnDisk), through: own)
        try synchronize()
    }

    /// Makes names durable.
    public func synchronize() throws {
        do {
            try SystemCalls.synchronize(directory)
        } catch {
            throw error.failure("writing \(path) to its disk", kind: .inputOutput)
        }
    }

    /// Makes the content of many files durable at once.
    ///
    /// - Parameter own: a descriptor of one's own from ``reopen()``, older than the files: the kernel tells of a write that failed
    ///   once to each, and who shares one may not be the one who hears it.
    public func synchronizeDisk(through own: OwnedDescriptor? = nil) throws {
        do {
            try SystemCalls.synchronizeDisk(of: own ?? directory)
        } catch {
            throw error.failure("writing \(path) to its disk", kind: .inputOutput)
        }
    }

    /// Calls `visit` for each file, in no order, until it returns false.
    public func scan(_ visit: (Entry) throws -> Bool) throws {
        let copy = openat(directory.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let stream = fdopendir(copy) else {
            throw Errno(rawValue: errno).failure("listing \(path)")
        }
        defer { closedir(stream) }
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != "..", try !visit(Self.entry(named: name)) { return }
            errno = 0
        }
        guard errno == 0 else { throw Errno(rawValue: errno).failure("listing \(path)") }
    }

    /// Removes the files that a killed process left half written; those of living ones are locked and stay.
    public func removeStaleTemporaries() throws {
        try scan { entry in
            if case .temporary(let name) = entry { IncomingBlob.removeIfStale(name, in: directory) }
            return true
        }
    }

    /// Removes a sealed file; one that is gone already is no error.
    public func remove(_ id: ContentID) throws {
        do {
            try SystemCalls.remove(at: directory, Self.name(of: id))
        } catch {
            if error != .noSuchFileOrDirectory { throw error.failure("removing \(path)/\(Self.name(of: id))") }
        }
    }

    /// Another descriptor of the directory: what holds a lock, or hears of failed writes, of its own.
    public func reopen() throws -> OwnedDescriptor {
        do {
            return try SystemCalls.open(at: directory, ".", O_RDONLY | O_DIRECTORY)
        } catch {
            throw error.failure("opening \(path)")
        }
    }

    static func name(of id: ContentID) -> String { id.hex + suffix }

    static func entry(named name: String) -> Entry {
        if name.hasPrefix(temporaryPrefix) { return .temporary(name) }
        guard name.hasSuffix(suffix), let id = ContentID(hex: String(name.dropLast(suffix.count))) else {
            return .stranger(name)
        }
        return .blob(id)
    }
}
