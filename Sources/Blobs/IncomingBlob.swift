public import Primitives
internal import Glibc
internal import SystemPackage

/// A file in `blobs/` that is being written and has no name of its own yet.
///
/// It holds an exclusive lock, which tells the living from the dead: `BlobDirectory.removeStaleTemporaries` takes only
/// files whose lock is free. It disappears with this object unless it was committed. Used by one thread at a time.
public final class IncomingBlob {
    private let directory: OwnedDescriptor
    /// Of the directory, for messages.
    private let path: String
    private let file: OwnedDescriptor
    private var name: String?
    private var written: Int64 = 0
    private var started: Int64 = 0

    /// Bytes after which the disk begins to write what has come, instead of all of it at the end.
    private static let burst: Int64 = 8 << 20

    init(in directory: OwnedDescriptor, path: String) throws {
        self.directory = directory
        self.path = path
        while true {
            var token = UInt64(0)
            try withUnsafeMutableBytes(of: &token) { try Sodium.randomize($0) }
            let name = BlobDirectory.temporaryPrefix + Hexadecimal.string(withUnsafeBytes(of: token) { Array($0) })
            let file = try SystemCalls.open(at: directory, name, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
            // A cleaner may have locked and removed the file between its creation and this lock: then start again.
            if SystemCalls.tryLock(file), try SystemCalls.status(of: file).links > 0 {
                self.file = file
                self.name = name
                return
            }
        }
    }

    deinit {
        if let name { try? SystemCalls.remove(at: directory, name) }
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

    func rename(to final: String, replacing: Bool) throws -> Bool {
        guard let temporary = name else { return false }
        if replacing {
            try SystemCalls.rename(at: directory, temporary, to: final)
        } else {
            do {
                try SystemCalls.renameKeeping(at: directory, temporary, to: final)
            } catch {
                if error == .fileExists { return false }
                throw error
            }
        }
        name = nil
        return true
    }

    static func removeIfStale(_ name: String, in directory: OwnedDescriptor) {
        // Whatever fails here is no harm: the next start tries again.
        // Non-blocking, so that a FIFO of that name does not wait for a writer.
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK
        guard let file = try? SystemCalls.open(at: directory, name, flags) else { return }
        // The lock must be held until the file is gone.
        withExtendedLifetime(file) {
            if SystemCalls.tryLock(file) { try? SystemCalls.remove(at: directory, name) }
        }
    }
}
