import Primitives
import TestSupport
import Testing

@testable import Keyring

/// The zero phrase: eleven times "abandon", then "about".
private let zero = Array(repeating: "abandon", count: 11).joined(separator: " ") + " about"

@Suite struct RecoveryPhraseTests {
    @Test(arguments: try Fixtures.trezor())
    func encodesEntropy(entropy: String, phrase: String) throws {
        let bytes = try #require(Hexadecimal.bytes(entropy.utf8))
        #expect(try bytes.withUnsafeBytes { try RecoveryPhrase(entropy: $0).text } == phrase)
    }

    @Test(arguments: try Fixtures.trezor())
    func decodesToEntropy(entropy: String, phrase: String) throws {
        #expect(try parse(phrase).text == phrase)
        let decoded = try Array(phrase.utf8).withUnsafeBytes { text in
            try PhraseText.withWords(of: text) { try RecoveryPhrase.packed($0).withEntropy { Hexadecimal.string($0) } }
        }
        #expect(decoded == entropy)
    }

    @Test(arguments: [16, 20, 24, 28, 32])
    func everyLengthSurvivesTheWayBack(size: Int) throws {
        for seed in 0..<32 {
            let entropy = (0..<size).map { UInt8(truncatingIfNeeded: ($0 + 1) &* (seed * 73 + 41)) }
            let phrase = try entropy.withUnsafeBytes { try RecoveryPhrase(entropy: $0) }
            #expect(phrase.text.split(separator: " ").count == size / 4 * 3)
            #expect(try parse(phrase.text).text == phrase.text)
        }
    }

    @Test(arguments: [12, 24])
    func generatesValidPhrases(count: Int) throws {
        var seen: Set<String> = []
        for _ in 0..<32 {
            let text = try RecoveryPhrase.generate(words: count).text
            #expect(text.split(separator: " ").count == count)
            #expect(try parse(text).text == text)
            seen.insert(text)
        }
        #expect(seen.count == 32)
    }

    @Test(arguments: [-1, 0, 1, 11, 15, 18, 21, 25])
    func generatesNoOtherLength(count: Int) {
        #expect { try RecoveryPhrase.generate(words: count) } throws: { ($0 as? OsnovaError)?.kind == .usage }
    }

    /// For the zero phrase the sound last words are known: with eleven first words fixed, one in sixteen.
    @Test func exactlyOneLastWordInSixteenIsSound() {
        let start = Array(repeating: "abandon", count: 11).joined(separator: " ")
        let sound = (0..<EnglishWordList.count).filter { index in
            refusal(of: "\(start) \(String(decoding: EnglishWordList.word(index), as: UTF8.self))") == nil
        }
        #expect(sound.count == 128)
        #expect(sound.first == EnglishWordList.index(of: "about".utf8))
        // Each holds seven bits of entropy of its own, in order.
        #expect(sound.map { $0 >> 4 } == Array(0..<128))
    }
}

@Suite struct PhraseTextTests {
    static let tolerated = [
        zero.uppercased(),
        "  \(zero)\n",
        zero.replacing(" ", with: "\t"),
        zero.replacing(" ", with: "\r\n"),
        zero.replacing(" ", with: " \u{0b}\u{0c} \n\n"),
        zero.replacing(" ", with: "\u{a0}"),
        zero.replacing(" ", with: "\u{3000}"),
        zero.replacing(" ", with: "\u{2009}\u{202f}"),
        zero.replacing(" ", with: "\u{2028}"),
        zero.replacing(" ", with: "\u{85}"),
        "\u{feff}\(zero)",
        "\u{feff}\u{a0}\(zero)\r\n",
        // As a Japanese keyboard writes it.
        fullWidth(zero),
        fullWidth(zero.uppercased()),
    ]

    private static func fullWidth(_ text: String) -> String {
        let scalars = text.unicodeScalars.map { $0 == " " ? $0 : Unicode.Scalar($0.value + 0xfee0) ?? $0 }
        return String(String.UnicodeScalarView(scalars))
    }

    @Test(arguments: tolerated) func readsAsTheSamePhrase(text: String) throws {
        #expect(try parse(text).text == zero)
    }

    /// "final" is in the list, so only the checksum is left to complain.
    @Test func readsALigature() throws {
        let message = try #require(refusal(of: zero.replacing("about", with: "\u{fb01}nal")))
        #expect(message.contains("checksum"))
    }

    @Test(arguments: [[], [0x20, 0x0a], [0xef, 0xbb, 0xbf], [0xc2, 0xa0]] as [[UInt8]])
    func refusesNothing(bytes: [UInt8]) throws {
        #expect(try #require(refusal(of: bytes)).contains("empty"))
    }

    @Test(arguments: [[0xff, 0xfe, 0x61, 0x00], [0x80], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]])
    func refusesBrokenUTF8(tail: [UInt8]) throws {
        #expect(try #require(refusal(of: Array(zero.utf8) + tail)).contains("UTF-8"))
        #expect(try #require(refusal(of: tail)).contains("UTF-8"))
    }

    @Test func limitsTheSize() throws {
        let room = PhraseText.maximumSize - zero.utf8.count
        #expect(try parse(zero + String(repeating: " ", count: room)).text == zero)
        let message = try #require(refusal(of: zero + String(repeating: " ", count: room + 1)))
        #expect(message.contains("64 KiB"))
        // The text that grows most: U+FDFA becomes eighteen characters.
        #expect(refusal(of: String(repeating: "\u{fdfa}", count: PhraseText.maximumSize / 3)) != nil)
    }
}
