internal import Primitives

/// What stands in front of a container's ciphertext: a header, which the tag covers, and the tag.
///
/// Nothing in it can be believed before the tag was checked; the length above all.
struct CocoonFrame: Sendable {
    /// Bytes of a tag.
    static let tagSize = Tag.byteCount
    /// Bytes of a full container's header.
    static let fullSize = 44
    /// Bytes of a Mini container's header.
    static let miniSize = 20

    private static let magic: [UInt8] = [0x7f, 0xc0, 0x0a]
    private static let version: UInt8 = 1
    private static let pbkdf2: UInt8 = 1

    /// The header as it is stored.
    let header: [UInt8]
    let cipher: CocoonCipher
    let nonce: [UInt8]
    /// Bytes of payload, as the header has it.
    let payloadLength: UInt64
    /// How the key comes from a password; nil in a Mini container, which does not tell.
    let derivation: CocoonDerivation?

    /// Where the ciphertext begins.
    var bodyOffset: Int { header.count + Self.tagSize }

    // MARK: Reading

    /// Reads the header of a full container.
    ///
    /// - Throws: `damaged` for what is none, naming the first field that is wrong.
    init(full header: [UInt8]) throws {
        guard header.count == Self.fullSize else { throw OsnovaError.noCocoon("it is shorter than a header") }
        guard header.starts(with: Self.magic) else { throw OsnovaError.noCocoon("it does not begin as one") }
        guard header[3] == Self.version else { throw OsnovaError.noCocoon("its version \(header[3]) is unknown") }
        guard let cipher = CocoonCipher(rawValue: header[4]) else {
            throw OsnovaError.noCocoon("its cipher \(header[4]) is unknown")
        }
        guard header[5] == Self.pbkdf2, let strength = CocoonStrength(rawValue: header[6]) else {
            throw OsnovaError.noCocoon("its key derivation \(header[5]).\(header[6]) is unknown")
        }
        // The byte at 7 is reserved: any value is read, and the tag covers it.
        self.header = header
        self.cipher = cipher
        nonce = Array(header[24..<36])
        payloadLength = Self.number(header[36..<44])
        derivation = CocoonDerivation(salt: Array(header[8..<24]), strength: strength)
    }

    /// Reads the header of a Mini container, which does not name its cipher.
    init(mini header: [UInt8], cipher: CocoonCipher) throws {
        guard header.count == Self.miniSize else { throw OsnovaError.noCocoon("it is shorter than a header") }
        self.header = header
        self.cipher = cipher
        nonce = Array(header[0..<12])
        payloadLength = Self.number(header[12..<20])
        derivation = nil
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    // MARK: Writing

    /// Makes the header of a new full container, with a salt and a nonce of its own.
    init(fullFor payloadLength: UInt64, cipher: CocoonCipher, strength: CocoonStrength) throws {
        let options = [Self.version, cipher.rawValue, Self.pbkdf2, strength.rawValue, 0]
        try self.init(full: Self.magic + options + Self.random(28) + Self.bytes(payloadLength))
    }

    /// Makes the header of a new Mini container, with a nonce of its own.
    init(miniFor payloadLength: UInt64, cipher: CocoonCipher) throws {
        try self.init(mini: Self.random(12) + Self.bytes(payloadLength), cipher: cipher)
    }

    private static func random(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        try bytes.withUnsafeMutableBytes { try Sodium.randomize($0) }
        return bytes
    }

    private static func bytes(_ number: UInt64) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }
}

extension OsnovaError {
    /// The error for bytes that are no Cocoon container of a kind that this program knows.
    static func noCocoon(_ reason: String) -> OsnovaError {
        .damaged("this is no Cocoon container: \(reason)")
    }

    /// The error for a container that promises more bytes than there are.
    static func cutCocoon(missing: UInt64) -> OsnovaError {
        .damaged("the Cocoon container is too short: \(missing) bytes of its payload are missing")
    }

    /// The error for a tag that does not match: nobody can tell a wrong secret from a changed byte.
    static let refusedCocoon = OsnovaError(.denied, "the password or key is wrong, or the Cocoon container was changed")

    /// The error for a container that was sound before it was given out.
    static let changedCocoon = OsnovaError(
        .busy, "the Cocoon container was changed while it was read: what was written is not all of it; try again")
}
