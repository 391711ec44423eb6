public import Primitives
internal import Glibc
internal import SystemPackage

/// A file in `blobs/` that is being written and is no blob yet.
///
/// It has no name at all where the disk is known to do that well (`O_TMPFILE`): then a directory in which several threads put
/// is locked once for each file instead of twice, and a crash leaves nothing. Elsewhere it has a temporary name and holds an
/// exclusive lock, which tells the living from the dead: `BlobDirectory.removeStaleTemporaries` takes only files whose lock is
/// free. It disappears with this object unless it was committed. Used by one thread at a time.
public final class IncomingBlob {
    private let directory: OwnedDescriptor
    /// Of the directory, for messages.
    private let path: String
    private let file: OwnedDescriptor
    /// Nil for a file without a name, and for one that has become a blob.
    private var temporary: String?
    /// Whether the disk takes it for removed until it is synchronized under its name: see ``UnnamedFiles/unjournaled``.
    let isRemovedOnDisk: Bool
    private var isCommitted = false
    private var written: Int64 = 0
    private var started: Int64 = 0

    /// Bytes after which the disk begins to write what has come, instead of all of it at the end.
    private static let burst: Int64 = 8 << 20
    /// Cleaners that are faster than this process; more are no accident.
    private static let mostTries = 100

    init(in directory: OwnedDescriptor, path: String, _ unnamedFiles: UnnamedFiles) throws {
        self.directory = directory
        self.path = path
        isRemovedOnDisk = unnamedFiles == .unjournaled
        if unnamedFiles == .unsupported {
            (file, temporary) = try Self.openTemporary(in: directory)
        } else {
            file = try SystemCalls.openUnnamed(in: directory)
        }
    }

    private static func openTemporary(in directory: OwnedDescriptor) throws -> (OwnedDescriptor, name: String) {
        for _ in 0..<mostTries {
            let name = try temporaryName()
            let file = try SystemCalls.open(at: directory, name, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
            do {
                // A cleaner may have locked and removed the file between its creation and this lock: then start again.
                if try SystemCalls.tryLock(file), try SystemCalls.status(of: file).links > 0 { return (file, name) }
            } catch {
                try? SystemCalls.remove(at: directory, name)
                throw error
            }
        }
        throw Errno.resourceBusy
    }

    private static func temporaryName() throws -> String {
        var token = UInt64(0)
        try withUnsafeMutableBytes(of: &token) { try Sodium.randomize($0) }
        return BlobDirectory.temporaryPrefix + Hexadecimal.string(withUnsafeBytes(of: token) { Array($0) })
    }

    deinit {
        if let temporary { try? SystemCalls.remove(at: directory, temporary) }
    }

    /// Appends bytes.
    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        do {
            try SystemCalls.write(file, bytes)
        } catch {
            throw error.failure("writing a blob into \(path)", kind: .inputOutput)
        }
        written += Int64(bytes.count)
        if written - started >= Self.burst {
            SystemCalls.startWriting(file, from: started, count: written - started)
            started = written
        }
    }

    /// Takes the whole content of another file by reflink, before anything is written.
    ///
    /// - Returns: false where the disk cannot: then nothing has changed.
    public func share(_ source: OwnedDescriptor) throws -> Bool {
        do {
            return try SystemCalls.clone(source, to: file)
        } catch {
            throw error.failure("writing a blob into \(path)", kind: .inputOutput)
        }
    }

    /// The file, for reading back what was written.
    public var content: OwnedDescriptor { file }

    /// Makes the content durable.
    public func synchronize() throws {
        do {
            try SystemCalls.synchronize(file)
        } catch {
            throw error.failure("writing a blob of \(path) to its disk", kind: .inputOutput)
        }
    }

    /// Gives it its name for good; false where that name is another file's and nothing is to be replaced.
    func name(_ final: String, replacing: Bool) throws -> Bool {
        guard !isCommitted else { return false }
        do {
            if temporary == nil, !replacing {
                try link(as: final)
            } else {
                try rename(to: final, replacing: replacing)
            }
        } catch let error as Errno where error == .fileExists && !replacing {
            return false
        }
        isCommitted = true
        return true
    }

    private func link(as name: String) throws {
        guard try SystemCalls.link(file, at: directory, as: name) else { throw Errno.notSupported }
    }

    private func rename(to final: String, replacing: Bool) throws {
        let name = try temporary ?? Self.temporaryName()
        if temporary == nil {
            // A link replaces nothing, so it is a temporary name first. A cleaner must not take it.
            _ = try SystemCalls.tryLock(file)
            try link(as: name)
            temporary = name
            if isRemovedOnDisk { try SystemCalls.synchronize(file) }
        }
        if replacing {
            try SystemCalls.rename(at: directory, name, to: final)
        } else {
            try SystemCalls.renameKeeping(at: directory, name, to: final)
        }
        temporary = nil
    }

    static func removeIfStale(_ name: String, in directory: OwnedDescriptor) {
        // Whatever fails here is no harm: the next start tries again.
        // Non-blocking, so that a FIFO of that name does not wait for a writer.
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK
        guard let file = try? SystemCalls.open(at: directory, name, flags) else { return }
        // The lock must be held until the file is gone.
        withExtendedLifetime(file) {
            if (try? SystemCalls.tryLock(file)) == true { try? SystemCalls.remove(at: directory, name) }
        }
    }
}
