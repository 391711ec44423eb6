internal import Glibc
internal import Keyring
internal import Primitives
internal import SystemPackage

/// Files that people name for containers.
enum CocoonInput {
    /// Bytes of a stream, which has to be held in memory.
    private static let largestStream = 16 << 20

    /// A file, read where it lies; a pipe, read into memory.
    static func source(_ argument: PathArgument) throws -> CocoonSource {
        let name = argument.isStandardStream ? "standard input" : argument.path.string
        do {
            let file =
                argument.isStandardStream
                ? try OwnedDescriptor(copying: STDIN_FILENO)
                : OwnedDescriptor(try FileDescriptor.open(argument.path, .readOnly, options: .closeOnExec))
            switch try SystemCalls.status(of: file).type {
            case S_IFREG: return try CocoonSource(file)
            case S_IFDIR: throw OsnovaError(.usage, "\(name) is a directory")
            default: return CocoonSource(try stream(file, name: name))
            }
        } catch let error as Errno {
            throw error.failure("reading \(name)")
        }
    }

    private static func stream(_ file: OwnedDescriptor, name: String) throws -> SecretBytes {
        let limit = largestStream + 1
        let buffer = ScratchBuffer(count: limit)
        defer { Sodium.wipe(buffer.bytes) }
        let count = try SystemCalls.readStream(file, into: buffer.bytes)
        guard count < limit else {
            throw OsnovaError(.usage, "\(name) has more than 16 MiB: a large one must be a file, not a pipe")
        }
        return try SecretBytes(copying: UnsafeRawBufferPointer(rebasing: buffer.bytes.prefix(count)))
    }

    /// A key or seed of 32 bytes, raw or as hexadecimal digits.
    static func key(_ path: FilePath) throws -> SecretBytes {
        let name = "the key file \(path.string)"
        do {
            let file = OwnedDescriptor(try FileDescriptor.open(path, .readOnly, options: .closeOnExec))
            let buffer = try SecretScratch(count: 128)
            return try withExtendedLifetime(buffer) {
                let count = try SystemCalls.readStream(file, into: buffer.bytes)
                return try key(in: UnsafeRawBufferPointer(rebasing: buffer.bytes.prefix(count)), name: name)
            }
        } catch let error as Errno {
            throw error.failure("reading \(name)")
        }
    }

    private static func key(in bytes: UnsafeRawBufferPointer, name: String) throws -> SecretBytes {
        if bytes.count == KeyHierarchy.keySize { return try SecretBytes(copying: bytes) }
        let text = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        guard text.count == 2 * KeyHierarchy.keySize, bytes.count <= text.count + 2,
            var plain = Hexadecimal.bytes(text.map { (0x41...0x46).contains($0) ? $0 | 0x20 : $0 })
        else { throw OsnovaError(.usage, "\(name) has neither 32 bytes nor 64 hexadecimal digits") }
        defer { plain.withUnsafeMutableBytes { Sodium.wipe($0) } }
        return try plain.withUnsafeBytes { try SecretBytes(copying: $0) }
    }
}
