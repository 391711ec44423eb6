/// The 512 bytes before a member of a tar archive (POSIX.1-2001, "ustar").
struct TarHeader {
    static let blockSize = 512
    /// Sizes from here on do not fit into eleven octal digits and take a pax record.
    static let longest: Int64 = 1 << 33

    enum Kind: Equatable {
        case file, directory
        /// Records for the next member.
        case extended
        /// Records for all members.
        case global
        /// The next member's path, as GNU tar writes one that is long.
        case longPath
        case other
    }

    let kind: Kind
    let path: String
    let size: Int64

    private enum Field {
        static let name = 0..<100
        static let mode = 100..<108
        static let user = 108..<116
        static let group = 116..<124
        static let size = 124..<136
        static let modified = 136..<148
        static let checksum = 148..<156
        static let type = 156
        static let magic = 257..<265
        static let prefix = 345..<500
    }

    /// The block of a member, of its owner's alone.
    ///
    /// - Parameter path: ASCII; split at a slash where it is longer than 100 bytes.
    static func block(_ kind: Kind, path: String, size: Int64, modified: Int64) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: blockSize)
        func put(_ bytes: some Sequence<UInt8>, _ field: Range<Int>) {
            for (index, byte) in zip(field, bytes) { block[index] = byte }
        }
        func put(_ number: Int64, _ field: Range<Int>) {
            let digits = String(max(0, number), radix: 8)
            put((String(repeating: "0", count: max(0, field.count - 1 - digits.count)) + digits).utf8, field)
        }
        let (prefix, name) = split(path)
        put(name.utf8, Field.name)
        put(prefix.utf8, Field.prefix)
        put(0o600, Field.mode)
        put(0, Field.user)
        put(0, Field.group)
        put(size < longest ? size : 0, Field.size)
        put(min(modified, longest - 1), Field.modified)
        block[Field.type] = UInt8(ascii: kind == .extended ? "x" : "0")
        put(Array("ustar".utf8) + [0] + Array("00".utf8), Field.magic)
        put(Array(repeating: UInt8(ascii: " "), count: 8), Field.checksum)
        let sum = String(block.reduce(0) { $0 + Int($1) }, radix: 8)
        put(Array((String(repeating: "0", count: max(0, 6 - sum.count)) + sum).utf8) + [0], Field.checksum)
        return block
    }

    private static func split(_ path: String) -> (prefix: String, name: String) {
        guard path.utf8.count > Field.name.count, let slash = path.lastIndex(of: "/") else { return ("", path) }
        return (String(path[..<slash]), String(path[path.index(after: slash)...]))
    }

    /// Reads a block; nil for what is none.
    init?(_ block: [UInt8]) {
        guard block.count == Self.blockSize, let sum = Self.number(block[Field.checksum]) else { return nil }
        let blanks = Field.checksum.count * Int(UInt8(ascii: " "))
        let found = block.reduce(0) { $0 + Int($1) } - block[Field.checksum].reduce(0) { $0 + Int($1) } + blanks
        guard Int64(found) == sum, let size = Self.number(block[Field.size]) else { return nil }
        self.size = size
        kind =
            switch block[Field.type] {
            case 0, UInt8(ascii: "0"), UInt8(ascii: "7"): .file
            case UInt8(ascii: "5"): .directory
            case UInt8(ascii: "x"): .extended
            case UInt8(ascii: "g"): .global
            case UInt8(ascii: "L"): .longPath
            default: .other
            }
        let isUstar = block[Field.magic].starts(with: Array("ustar".utf8) + [0])
        let prefix = isUstar ? Self.text(block[Field.prefix]) : ""
        let name = Self.text(block[Field.name])
        path = prefix.isEmpty ? name : "\(prefix)/\(name)"
    }

    static func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// An octal number, or one of GNU tar's in base 256.
    private static func number(_ bytes: ArraySlice<UInt8>) -> Int64? {
        guard let first = bytes.first else { return nil }
        if first == 0x80 {
            guard bytes.dropFirst().dropLast(8).allSatisfy({ $0 == 0 }) else { return nil }
            return Int64(exactly: bytes.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        }
        let digits = bytes.drop { $0 == UInt8(ascii: " ") }.prefix { $0 != 0 && $0 != UInt8(ascii: " ") }
        return digits.isEmpty ? 0 : Int64(String(decoding: digits, as: UTF8.self), radix: 8)
    }
}
