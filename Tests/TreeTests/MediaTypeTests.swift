import Testing
import Tree

@Suite struct MediaTypeTests {
    private static let samples: [(MediaType, [UInt8])] = [
        (.program, [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1]), (.program, Array("#!/bin/sh\n".utf8)),
        (.tar, [UInt8](repeating: 0, count: 257) + Array("ustar\u{0}00".utf8)), (.gzip, [0x1F, 0x8B, 8]),
        (.zip, [0x50, 0x4B, 3, 4]), (.xz, [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]),
        (.zstandard, [0x28, 0xB5, 0x2F, 0xFD]), (.bzip2, Array("BZh9".utf8)),
        (.png, [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]), (.jpeg, [0xFF, 0xD8, 0xFF, 0xE0]),
        (.gif, Array("GIF89a".utf8)), (.gif, Array("GIF87a".utf8)),
        (.webp, Array("RIFF".utf8) + [1, 2, 3, 4] + Array("WEBPVP8 ".utf8)), (.icon, [0, 0, 1, 0, 1, 0]),
        (.webAssembly, [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0]), (.svg, Array("<svg xmlns='…'/>".utf8)),
        (.svg, Array("\u{FEFF} \r\n<svg/>".utf8)),
        (.svg, Array("<?xml version='1.0'?>\n<!-- x -->\n<svg/>".utf8)),
    ]

    @Test func `a content is known by its first bytes`() {
        for (type, prefix) in Self.samples { #expect(MediaType(prefix: prefix) == type, "\(type)") }
    }

    @Test func `a content that only begins like one, or is hardly there, is unknown`() {
        for (_, prefix) in Self.samples where prefix.count < 250 {
            let shortest = prefix.starts(with: Array("#!".utf8)) ? 1 : 2
            if prefix.first != 0x1F { #expect(MediaType(prefix: Array(prefix.prefix(shortest))) == .unknown) }
        }
        for text in ["", "plain", "RIFF1234WAVE", "<?xml version='1.0'?><html/>", "a<svg/>", " #!/bin/sh", "PK"] {
            #expect(MediaType(prefix: Array(text.utf8)) == .unknown, "\(text)")
        }
        #expect(MediaType(prefix: [UInt8](repeating: 0, count: 512)) == .unknown)
    }

    @Test func `the numbers in the database and the suffixes of names never change`() {
        let expected: [Int64: String] = [
            0: "", 1: "", 2: ".tar", 3: ".gz", 4: ".zip", 5: ".xz", 6: ".zst", 7: ".bz2", 16: ".png", 17: ".jpg",
            18: ".gif", 19: ".webp", 20: ".svg", 21: ".ico", 32: ".wasm",
        ]
        #expect(Dictionary(uniqueKeysWithValues: MediaType.allCases.map { ($0.rawValue, $0.suffix) }) == expected)
        #expect(MediaType(rawValue: 1) == .program)
    }
}
