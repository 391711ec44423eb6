public import Primitives

/// Bytes that can be read at any offset: a container or a payload, in memory or in a file.
public struct CocoonSource {
    /// How many bytes there are.
    public let count: Int64
    private let reader: (UnsafeMutableRawBufferPointer, Int64) throws -> Int

    /// Takes a count and a function that fills memory from an offset on and returns how much it filled.
    public init(count: Int64, reader: @escaping (UnsafeMutableRawBufferPointer, Int64) throws -> Int) {
        self.count = max(0, count)
        self.reader = reader
    }

    /// Takes a file as long as it is now.
    public init(_ file: OwnedDescriptor) throws {
        let count = try SystemCalls.status(of: file).size
        self.init(count: count) { try SystemCalls.read(file, into: $0, at: $1) }
    }

    /// Takes bytes that are no secret.
    public init(_ bytes: [UInt8]) {
        self.init(count: Int64(bytes.count)) { out, offset in
            bytes.withUnsafeBytes { Self.copy($0, from: offset, to: out) }
        }
    }

    /// Takes bytes in guarded memory.
    public init(_ bytes: SecretBytes) {
        self.init(count: Int64(bytes.count)) { out, offset in
            bytes.withUnsafeBytes { Self.copy($0, from: offset, to: out) }
        }
    }

    /// Fills memory whole.
    ///
    /// - Throws: `damaged` where the bytes end before; what the function throws.
    func read(into memory: UnsafeMutableRawBufferPointer, at offset: Int64) throws {
        guard try reader(memory, offset) == memory.count else {
            throw OsnovaError.damaged("the file was cut while it was read: try again")
        }
    }

    /// Reads a few bytes that are no secret.
    func bytes(_ range: Range<Int>) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: range.count)
        try bytes.withUnsafeMutableBytes { try read(into: $0, at: Int64(range.lowerBound)) }
        return bytes
    }

    private static func copy(
        _ bytes: UnsafeRawBufferPointer, from offset: Int64, to out: UnsafeMutableRawBufferPointer
    ) -> Int {
        let rest = bytes.dropFirst(Int(offset)).prefix(out.count)
        out.copyBytes(from: rest)
        return rest.count
    }
}
