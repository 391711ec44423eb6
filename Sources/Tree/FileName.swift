internal import Primitives

/// The file name of an id; names are bytes, not text.
public enum FileName {
    /// The longest name that Linux allows, in bytes.
    public static let longest = 255
    private static let digits = Array("0123456789ABCDEF".utf8)

    /// Whether a file can have the name.
    public static func isFit(_ name: UnsafeRawBufferPointer) -> Bool {
        guard let first = name.first, name.count <= longest else { return false }
        if first == UInt8(ascii: "."), name.count == 1 || (name.count == 2 && name[1] == first) { return false }
        return !name.contains { $0 == 0 || $0 == UInt8(ascii: "/") }
    }

    /// The name under which an id is shown.
    ///
    /// `/`, NUL, `%` and control characters become `%XX`; so do the names `.` and `..`, which mean something else, and
    /// the empty id, which no file can have, is a lone `%`. A name over 255 bytes is cut, never within an escape or a
    /// UTF-8 character, and ends in `~` and the SHA-256 of the whole name. So does a name that looks as if it had been
    /// cut: no two ids have the same name.
    public static func encode(_ id: some Collection<UInt8>) throws -> [UInt8] {
        try encode(id, atMost: longest)
    }

    /// The name under which an id is shown where a name must be shorter, of at least 72 bytes.
    public static func encode(_ id: some Collection<UInt8>, atMost limit: Int) throws -> [UInt8] {
        let name = escape(id)
        return name.count <= limit && !looksCut(name) ? name : try cut(name, to: max(limit, 72))
    }

    /// The name under which an id is shown.
    public static func encode(_ id: String) throws -> [UInt8] {
        try encode(Array(id.utf8))
    }

    private static func escape(_ id: some Collection<UInt8>) -> [UInt8] {
        if id.isEmpty { return [UInt8(ascii: "%")] }
        let isDots = id.count <= 2 && id.allSatisfy { $0 == UInt8(ascii: ".") }
        var name: [UInt8] = []
        name.reserveCapacity(id.count)
        for byte in id {
            if isDots || byte < 0x20 || byte == 0x7F || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "%") {
                name += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            } else {
                name.append(byte)
            }
        }
        return name
    }

    /// Bytes of `~` and the digest.
    private static let tailSize = 1 + 2 * ContentID.byteCount
    /// At most so many bytes are lost to whole characters and escapes.
    private static let shortestCut = longest - 5

    private static func looksCut(_ name: [UInt8]) -> Bool {
        guard name.count >= shortestCut else { return false }
        let tail = name.suffix(tailSize)
        return tail.first == UInt8(ascii: "~") && ContentID(hex: tail.dropFirst()) != nil
    }

    private static func cut(_ name: [UInt8], to limit: Int) throws -> [UInt8] {
        let digest = try name.withUnsafeBytes { try SHA256.digest($0) }
        var end = limit - tailSize
        // Back over the continuation bytes of a character, then over a started escape.
        var character = end
        while character > end - 3, name[character] & 0xC0 == 0x80 { character -= 1 }
        if name[character] & 0xC0 != 0x80 { end = character }
        if let escape = name[max(0, end - 2)..<end].lastIndex(of: UInt8(ascii: "%")) { end = escape }
        return name[..<end] + [UInt8(ascii: "~")] + Array(digest.hex.utf8)
    }
}
