/// What a content is, told by its first bytes: gives `icon` and `artifact` their suffix and programs their x bit.
///
/// The raw values are kept in the database and never change their meaning.
public enum MediaType: Int64, Sendable, CaseIterable {
    case unknown = 0
    /// An ELF executable or a `#!` script.
    case program = 1
    case tar = 2
    case gzip = 3
    case zip = 4
    case xz = 5
    case zstandard = 6
    case bzip2 = 7
    case png = 16
    case jpeg = 17
    case gif = 18
    case webp = 19
    case svg = 20
    case icon = 21
    case webAssembly = 32

    /// The suffix of a file name, with its dot; empty where none is customary.
    public var suffix: String {
        switch self {
        case .unknown, .program: ""
        case .tar: ".tar"
        case .gzip: ".gz"
        case .zip: ".zip"
        case .xz: ".xz"
        case .zstandard: ".zst"
        case .bzip2: ".bz2"
        case .png: ".png"
        case .jpeg: ".jpg"
        case .gif: ".gif"
        case .webp: ".webp"
        case .svg: ".svg"
        case .icon: ".ico"
        case .webAssembly: ".wasm"
        }
    }

    /// Tells the type of a content from its first 512 bytes, or all of it.
    public init(prefix: [UInt8]) {
        let found = Self.signatures.first { _, offset, bytes in prefix.dropFirst(offset).starts(with: bytes) }
        if let found {
            self = found.type
        } else if prefix.starts(with: Array("RIFF".utf8)), prefix.dropFirst(8).starts(with: Array("WEBP".utf8)) {
            self = .webp
        } else {
            self = Self.isScalableVector(prefix) ? .svg : .unknown
        }
    }

    private static let signatures: [(type: MediaType, offset: Int, bytes: [UInt8])] = [
        (.program, 0, [0x7F] + Array("ELF".utf8)),
        (.program, 0, Array("#!".utf8)),
        (.tar, 257, Array("ustar".utf8)),
        (.gzip, 0, [0x1F, 0x8B]),
        (.zip, 0, Array("PK".utf8) + [3, 4]),
        (.xz, 0, [0xFD] + Array("7zXZ".utf8) + [0]),
        (.zstandard, 0, [0x28, 0xB5, 0x2F, 0xFD]),
        (.bzip2, 0, Array("BZh".utf8)),
        (.png, 0, [0x89] + Array("PNG\r\n".utf8) + [0x1A, 0x0A]),
        (.jpeg, 0, [0xFF, 0xD8, 0xFF]),
        (.gif, 0, Array("GIF8".utf8)),
        (.icon, 0, [0, 0, 1, 0]),
        (.webAssembly, 0, [0] + Array("asm".utf8)),
    ]

    private static func isScalableVector(_ prefix: [UInt8]) -> Bool {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let text = (prefix.starts(with: mark) ? prefix.dropFirst(mark.count) : prefix[...]).drop { $0 <= 0x20 }
        if text.starts(with: Array("<svg".utf8)) { return true }
        return text.starts(with: Array("<?xml".utf8)) && String(decoding: text, as: UTF8.self).contains("<svg")
    }
}
