internal import Primitives
internal import SystemPackage

/// Writes regular files as a tar archive (POSIX.1-2001) to a stream.
struct TarWriter {
    private let output: OwnedDescriptor

    init(to output: OwnedDescriptor) {
        self.output = output
    }

    /// Appends a file that does not change meanwhile.
    ///
    /// - Throws: `inputOutput` where nobody reads the stream any more.
    func add(_ file: OwnedDescriptor, as path: String, onProgress: (Int) -> Void) throws {
        let status: SystemCalls.Status
        do {
            status = try SystemCalls.status(of: file)
        } catch {
            throw error.failure("reading \(path)")
        }
        let seconds = status.modified / 1_000_000_000
        if status.size >= TarHeader.longest {
            let record = Self.record("size", "\(status.size)")
            try write(TarHeader.block(.extended, path: path, size: Int64(record.count), modified: seconds))
            try write(record)
            try pad(Int64(record.count))
        }
        try write(TarHeader.block(.file, path: path, size: status.size, modified: seconds))
        var written: Int64 = 0
        try BackupFiles.forEachPiece(of: file, path) { piece in
            try write(piece)
            written += Int64(piece.count)
            onProgress(piece.count)
        }
        guard written == status.size else {
            throw OsnovaError(.inputOutput, "\(path) changed while it was read: run the backup again")
        }
        try pad(written)
    }

    /// Ends the archive.
    func finish() throws {
        try write([UInt8](repeating: 0, count: 2 * TarHeader.blockSize))
    }

    /// `<length> <key>=<value>\n`, where the length counts its own digits.
    static func record(_ key: String, _ value: String) -> [UInt8] {
        let rest = " \(key)=\(value)\n"
        var length = rest.utf8.count
        while "\(length)".utf8.count + rest.utf8.count != length { length = "\(length)".utf8.count + rest.utf8.count }
        return Array("\(length)\(rest)".utf8)
    }

    private func pad(_ size: Int64) throws {
        let over = Int(size % Int64(TarHeader.blockSize))
        if over > 0 { try write([UInt8](repeating: 0, count: TarHeader.blockSize - over)) }
    }

    private func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try write($0) }
    }

    private func write(_ bytes: UnsafeRawBufferPointer) throws {
        do {
            try SystemCalls.write(output, bytes)
        } catch .brokenPipe {
            throw OsnovaError(.inputOutput, "nobody reads the stream to its end: there is no backup")
        } catch {
            throw error.failure("writing the stream", kind: .inputOutput)
        }
    }
}
