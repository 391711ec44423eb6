internal import Foundation
internal import Glibc
internal import Primitives
internal import SystemPackage

/// Files of a backup: read whole, copied with their SHA-256, written so that they are there whole or not at all.
enum BackupFiles {
    static let temporaryPrefix = ".incoming-"
    /// Of a file whose own name is not known before it is written.
    static let unnamedSuffix = ".new"
    private static let pieceSize = 1 << 20

    /// The bytes of a file that is kept in memory.
    ///
    /// - Throws: `damaged` for one of more than `limit` bytes.
    static func read(_ path: String, atMost limit: Int64) throws -> [UInt8] {
        let file = try open(path)
        let size: Int64
        do {
            size = try SystemCalls.status(of: file).size
        } catch {
            throw error.failure("reading \(path)", kind: .inputOutput)
        }
        guard size <= limit else { throw OsnovaError.damaged("\(path) is damaged: it is too large") }
        var content: [UInt8] = []
        content.reserveCapacity(Int(size))
        try forEachPiece(of: file, path) { content += $0 }
        return content
    }

    /// The SHA-256 and the bytes of a file.
    static func sum(_ path: String, progress: (Int) -> Void = { _ in }) throws -> (sum: ContentID, size: Int64) {
        try sum(of: open(path), path, progress: progress)
    }

    /// The SHA-256 and the bytes of an open file.
    static func sum(
        of file: OwnedDescriptor, _ path: String, progress: (Int) -> Void = { _ in }
    ) throws -> (sum: ContentID, size: Int64) {
        let digest = try SHA256()
        var size: Int64 = 0
        try forEachPiece(of: file, path) { piece in
            digest.update(piece)
            size += Int64(piece.count)
            progress(piece.count)
        }
        return (try digest.finish(), size)
    }

    /// Opens a regular file; a link or a FIFO in its place is damage.
    static func open(_ path: String) throws -> OwnedDescriptor { try open(FilePath(path)) }

    /// Opens a regular file whose name may be no text.
    static func open(_ path: FilePath) throws -> OwnedDescriptor {
        do {
            let options: FileDescriptor.OpenOptions = [.noFollow, .nonBlocking, .closeOnExec]
            let file = OwnedDescriptor(try FileDescriptor.open(path, .readOnly, options: options))
            guard try SystemCalls.status(of: file).type == S_IFREG else {
                throw OsnovaError.damaged("\(path.string) is no regular file")
            }
            return file
        } catch let error as Errno where SystemCalls.tellsNoFile(error) {
            throw OsnovaError.damaged("\(path.string) is no regular file")
        } catch let error as Errno {
            throw error.failure("reading \(path.string)")
        }
    }

    /// Calls `body` with one piece of a file after another.
    static func forEachPiece(
        of file: OwnedDescriptor, _ path: String, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let buffer = ScratchBuffer(count: pieceSize)
        var offset: Int64 = 0
        while true {
            let count: Int
            do {
                count = try SystemCalls.read(file, into: buffer.bytes, at: offset)
            } catch {
                throw error.failure("reading \(path)", kind: .inputOutput)
            }
            if count > 0 { try body(UnsafeRawBufferPointer(rebasing: buffer.bytes.prefix(count))) }
            offset += Int64(count)
            if count < pieceSize { return }
        }
    }

    /// Calls `body` likewise, where what the disk cannot read is damage like any other; what `body` throws stays what it is.
    ///
    /// - Throws: `damaged`.
    static func forEachReadablePiece(
        of file: OwnedDescriptor, _ path: String, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        var isTaken = true
        do {
            try forEachPiece(of: file, path) { piece in
                isTaken = false
                try body(piece)
                isTaken = true
            }
        } catch let error as OsnovaError where error.kind == .inputOutput && isTaken {
            throw OsnovaError.damaged(error.message)
        }
    }

    /// Writes a file of a directory: durable and whole, under its name, when this returns.
    ///
    /// - Parameter fill: called with a function that appends bytes.
    static func write(
        _ name: String, in directory: String, _ fill: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        let temporary = temporaryPrefix + name
        do {
            let folder = try SystemCalls.open(directory, O_RDONLY | O_DIRECTORY)
            let file = try SystemCalls.open(at: folder, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW)
            try fill { try SystemCalls.write(file, $0) }
            try SystemCalls.synchronize(file)
            try SystemCalls.rename(at: folder, temporary, to: name)
            try SystemCalls.synchronize(folder)
        } catch let error as Errno {
            throw error.failure("writing \(directory)/\(name)", kind: .inputOutput)
        }
    }

    /// Writes a file that is read back into memory likewise.
    ///
    /// - Throws: `cannotCreate` for more than `limit` bytes, which ``read(_:atMost:)`` would refuse.
    static func write(_ bytes: [UInt8], as name: String, in directory: String, atMost limit: Int64) throws {
        guard bytes.count <= limit else {
            throw OsnovaError(
                .cannotCreate, "\(directory)/\(name) would have \(bytes.count) bytes: too many files for one backup")
        }
        try write(name, in: directory) { append in try bytes.withUnsafeBytes { try append($0) } }
    }

    /// Gives a file another name in its directory, durably.
    static func rename(_ name: String, to other: String, in directory: String) throws {
        do {
            let folder = try SystemCalls.open(directory, O_RDONLY | O_DIRECTORY)
            try SystemCalls.rename(at: folder, name, to: other)
            try SystemCalls.synchronize(folder)
        } catch {
            throw error.failure("naming \(directory)/\(other)", kind: .inputOutput)
        }
    }

    /// Gives a file that another library wrote its name, after it was made durable.
    static func finish(_ name: String, as other: String, in directory: String) throws {
        do {
            try SystemCalls.synchronize(SystemCalls.open("\(directory)/\(name)", O_RDWR | O_NOFOLLOW))
        } catch {
            throw error.failure("writing \(directory)/\(name)", kind: .inputOutput)
        }
        try rename(name, to: other, in: directory)
    }

    /// Removes a file; one that is gone already is no error.
    static func remove(_ name: String, in directory: String) throws {
        do {
            try SystemCalls.remove(at: SystemCalls.open(directory, O_RDONLY | O_DIRECTORY), name)
        } catch {
            guard error != .noSuchFileOrDirectory else { return }
            throw error.failure("removing \(directory)/\(name)")
        }
    }

    /// Makes it durable which names a directory has.
    static func synchronize(_ directory: String) throws {
        do {
            try SystemCalls.synchronize(SystemCalls.open(directory, O_RDONLY | O_DIRECTORY))
        } catch {
            throw error.failure("writing \(directory) to its disk", kind: .inputOutput)
        }
    }

    /// Makes a directory, 0700, with those above it.
    static func makeDirectory(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw OsnovaError(.cannotCreate, "\(path) cannot be made: check its permissions and its disk")
        }
    }

    /// The names in a directory, sorted, without those of files that are being written.
    static func names(in directory: String) throws -> [String] {
        try allNames(in: directory).filter { !$0.hasPrefix(".") }
    }

    /// The names in a directory, sorted.
    static func allNames(in directory: String) throws -> [String] {
        try DirectoryListing.names(in: FilePath(directory)).map { String(decoding: $0, as: UTF8.self) }.sorted()
    }
}
