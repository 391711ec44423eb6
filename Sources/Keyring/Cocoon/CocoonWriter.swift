public import Primitives

/// Makes one Cocoon container.
///
/// The format has the tag in front of the ciphertext, so the container is written at offsets, the tag last.
public struct CocoonWriter {
    private static let pieceSize = 1 << 20

    private let payload: CocoonSource
    private let frame: CocoonFrame

    /// Readies a full container with a salt and a nonce of its own.
    ///
    /// - Throws: `usage` for a payload that is too long for the cipher.
    public init(_ payload: CocoonSource, cipher: CocoonCipher = .chacha20poly1305, strength: CocoonStrength = .strong)
        throws
    {
        try self.init(
            payload, CocoonFrame(fullFor: UInt64(payload.count), cipher: cipher, strength: strength))
    }

    /// Readies a Mini container with a nonce of its own.
    ///
    /// - Throws: `usage` for a payload that is too long for the cipher.
    public init(mini payload: CocoonSource, cipher: CocoonCipher = .chacha20poly1305) throws {
        try self.init(payload, CocoonFrame(miniFor: UInt64(payload.count), cipher: cipher))
    }

    private init(_ payload: CocoonSource, _ frame: CocoonFrame) throws {
        guard frame.payloadLength <= frame.cipher.largestPayload else {
            throw OsnovaError(.usage, "\(frame.payloadLength) bytes are more than one Cocoon container can hold")
        }
        self.payload = payload
        self.frame = frame
    }

    /// How the key comes from a password; nil for a Mini container.
    public var derivation: CocoonDerivation? { frame.derivation }
    /// Bytes of the container.
    public var size: Int64 { Int64(frame.bodyOffset) + payload.count }

    /// Writes the container in constant memory: `write` gets bytes and the offset that they belong to.
    public func write(key: SecretBytes, to write: (UnsafeRawBufferPointer, Int64) throws -> Void) throws {
        let sealing = try AuthenticatedCipher(
            frame.cipher.algorithm, .seal, key: key, nonce: frame.nonce, associatedData: frame.header)
        let piece = ScratchBuffer(count: Int(min(Int64(Self.pieceSize), max(1, payload.count))))
        defer { Sodium.wipe(piece.bytes) }
        try frame.header.withUnsafeBytes { try write($0, 0) }
        var offset: Int64 = 0
        while offset < payload.count {
            let count = Int(min(Int64(Self.pieceSize), payload.count - offset))
            let bytes = UnsafeMutableRawBufferPointer(rebasing: piece.bytes[..<count])
            try payload.read(into: bytes, at: offset)
            try sealing.update(from: UnsafeRawBufferPointer(bytes), to: bytes)
            try write(UnsafeRawBufferPointer(bytes), Int64(frame.bodyOffset) + offset)
            offset += Int64(count)
        }
        try sealing.tag().withUnsafeBytes { try write($0, Int64(frame.header.count)) }
    }

    /// The container in memory.
    public func bytes(key: SecretBytes) throws -> [UInt8] {
        var container = [UInt8](repeating: 0, count: Int(size))
        try container.withUnsafeMutableBytes { out in
            try write(key: key) { bytes, offset in
                UnsafeMutableRawBufferPointer(rebasing: out[Int(offset)...]).copyMemory(from: bytes)
            }
        }
        return container
    }
}
