public import Primitives

/// A Cocoon container (crate `cocoon`, format 1) that is there to be opened.
///
/// Made of bytes that may be anything: what its header says was compared with what is there, and nothing else of it is
/// believed before the tag was checked.
public struct CocoonContainer {
    private static let pieceSize = 1 << 20

    private let source: CocoonSource
    private let frame: CocoonFrame

    /// Reads the header of a full container.
    ///
    /// - Throws: `damaged` for what is none or too short.
    public init(_ source: CocoonSource) throws {
        guard source.count >= CocoonFrame.fullSize else { throw OsnovaError.noCocoon("it is shorter than a header") }
        try self.init(source, CocoonFrame(full: source.bytes(0..<CocoonFrame.fullSize)))
    }

    /// Reads the header of a Mini container, whose cipher the reader must know.
    ///
    /// - Throws: `damaged` for what is too short.
    public init(mini source: CocoonSource, cipher: CocoonCipher) throws {
        guard source.count >= CocoonFrame.miniSize else { throw OsnovaError.noCocoon("it is shorter than a header") }
        try self.init(source, CocoonFrame(mini: source.bytes(0..<CocoonFrame.miniSize), cipher: cipher))
    }

    private init(_ source: CocoonSource, _ frame: CocoonFrame) throws {
        let present = source.count - Int64(frame.bodyOffset)
        guard present >= 0 else { throw OsnovaError.noCocoon("it is shorter than a header and its tag") }
        guard frame.payloadLength <= UInt64(present) else {
            throw OsnovaError.cutCocoon(missing: frame.payloadLength - UInt64(present))
        }
        self.source = source
        self.frame = frame
    }

    /// How the key comes from a password; nil for a Mini container, which does not tell.
    public var derivation: CocoonDerivation? { frame.derivation }
    /// The cipher.
    public var cipher: CocoonCipher { frame.cipher }
    /// Bytes of payload.
    public var payloadLength: Int64 { Int64(frame.payloadLength) }
    /// Bytes after the container, which the format ignores.
    public var trailing: Int64 { source.count - Int64(frame.bodyOffset) - payloadLength }

    /// The payload in guarded memory.
    ///
    /// - Throws: `denied` for a wrong key or a changed byte.
    public func payload(key: SecretBytes) throws -> SecretBytes {
        try SecretBytes(count: Int(payloadLength)) { out in
            let opening = try begin(key)
            try source.read(into: out, at: Int64(frame.bodyOffset))
            try opening.update(from: UnsafeRawBufferPointer(out), to: out)
            guard try opening.verify(tag: tag()) else { throw OsnovaError.refusedCocoon }
        }
    }

    /// Calls `body` with the payload piece by piece, in constant memory: the whole is verified before the first piece.
    ///
    /// - Throws: `denied` for a wrong key or a changed byte, before the first piece; `busy` where the source is another one
    ///   than was verified, after sound pieces; what `body` throws.
    public func forEachPiece(key: SecretBytes, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        guard payloadLength > Self.pieceSize else { return try payload(key: key).withUnsafeBytes(body) }
        var verified = try digests(key)[...]
        let opening = try begin(key)
        try forEachSealedPiece { piece in
            // The tag covers the whole, and tells too late of what somebody changed since.
            guard try SHA256.digest(UnsafeRawBufferPointer(piece)) == verified.popFirst() else {
                throw OsnovaError.changedCocoon
            }
            try opening.update(from: UnsafeRawBufferPointer(piece), to: piece)
            try body(UnsafeRawBufferPointer(piece))
        }
    }

    /// Verifies the whole and tells the SHA-256 of each sealed piece, 32 bytes a MiB.
    private func digests(_ key: SecretBytes) throws -> [ContentID] {
        let opening = try begin(key)
        var digests: [ContentID] = []
        try forEachSealedPiece { piece in
            digests.append(try SHA256.digest(UnsafeRawBufferPointer(piece)))
            try opening.update(from: UnsafeRawBufferPointer(piece), to: piece)
        }
        guard try opening.verify(tag: tag()) else { throw OsnovaError.refusedCocoon }
        return digests
    }

    private func forEachSealedPiece(_ body: (UnsafeMutableRawBufferPointer) throws -> Void) throws {
        let piece = ScratchBuffer(count: Self.pieceSize)
        defer { Sodium.wipe(piece.bytes) }
        var offset: Int64 = 0
        while offset < payloadLength {
            let count = Int(min(Int64(Self.pieceSize), payloadLength - offset))
            let bytes = UnsafeMutableRawBufferPointer(rebasing: piece.bytes[..<count])
            try source.read(into: bytes, at: Int64(frame.bodyOffset) + offset)
            try body(bytes)
            offset += Int64(count)
        }
    }

    private func begin(_ key: SecretBytes) throws -> AuthenticatedCipher {
        guard frame.payloadLength <= cipher.largestPayload else {
            throw OsnovaError.noCocoon("its payload is longer than its cipher allows")
        }
        return try AuthenticatedCipher(
            cipher.algorithm, .open, key: key, nonce: frame.nonce, associatedData: frame.header)
    }

    private func tag() throws -> [UInt8] {
        try source.bytes(frame.header.count..<frame.bodyOffset)
    }
}
