internal import Foundation
internal import Primitives

/// Text as an editor or a prompt left it, read as the words of a phrase.
enum PhraseText {
    /// Bytes; far beyond any phrase, and small enough to be read without care.
    static let maximumSize = 64 * 1024

    /// Calls `body` with the words, UTF-8 in NFKD with capitals as typed; they live as long as the call.
    ///
    /// - Throws: `denied` for text that is too long or not UTF-8, and what `body` throws.
    static func withWords<Result>(
        of bytes: UnsafeRawBufferPointer, _ body: ([UnsafeRawBufferPointer]) throws -> Result
    ) throws -> Result {
        guard bytes.count <= maximumSize else { throw OsnovaError.refusedPhrase("the text is longer than 64 KiB") }
        let text = withoutByteOrderMark(bytes)
        // ASCII is its own NFKD: what every English phrase should be never leaves the caller's memory.
        if text.allSatisfy({ $0 < 0x80 }) { return try body(words(in: text)) }
        var folded = try compatibilityForm(of: text)
        defer { folded.withUnsafeMutableBytes { Sodium.wipe($0) } }
        return try folded.withUnsafeBytes { try body(words(in: $0)) }
    }

    /// A capital letter of ASCII as a small one, any other byte unchanged.
    static func lowered(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    private static func withoutByteOrderMark(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        bytes.starts(with: [0xef, 0xbb, 0xbf]) ? UnsafeRawBufferPointer(rebasing: bytes[3...]) : bytes
    }

    private static func words(in text: UnsafeRawBufferPointer) -> [UnsafeRawBufferPointer] {
        text.split { $0 == UInt8(ascii: " ") || (0x09...0x0d).contains($0) }
            .map { UnsafeRawBufferPointer(rebasing: $0) }
    }

    /// NFKD with every Unicode space as U+0020.
    ///
    /// Swift's strings on the way cannot be wiped.
    private static func compatibilityForm(of text: UnsafeRawBufferPointer) throws -> [UInt8] {
        guard let string = String(validating: text, as: UTF8.self) else {
            throw OsnovaError.refusedPhrase("the text is not UTF-8")
        }
        let decomposed = string.decomposedStringWithCompatibilityMapping
        var bytes: [UInt8] = []
        // Growing would leave unwiped copies behind.
        bytes.reserveCapacity(decomposed.utf8.count)
        for scalar in decomposed.unicodeScalars {
            if scalar.properties.isWhitespace {
                bytes.append(UInt8(ascii: " "))
            } else {
                bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
        }
        return bytes
    }
}

extension OsnovaError {
    /// The error for text that is no recovery phrase; `reason` never holds a whole phrase.
    static func refusedPhrase(_ reason: String) -> OsnovaError {
        OsnovaError(.denied, "the recovery phrase is wrong: \(reason)")
    }
}
