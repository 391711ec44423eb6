import Foundation
import Primitives
import TestSupport
import Testing

@testable import Keyring

@Suite struct RefusalTests {
    /// Strict readers refuse spacing and capitals; this one is required to normalise them.
    @Test(arguments: try Fixtures.invalid().filter { $0.why.contains("some normalise") })
    func normalisesWhatStrictReadersRefuse(entry: Fixtures.Invalid.Entry) throws {
        let canonical = entry.phrase.lowercased().split(separator: " ").joined(separator: " ")
        #expect(try parse(entry.phrase).text == canonical)
    }

    @Test(arguments: try Fixtures.invalid().filter { !$0.why.contains("some normalise") })
    func refusesWithItsReason(entry: Fixtures.Invalid.Entry) throws {
        let message = try #require(refusal(of: entry.phrase))
        #expect(message.contains(try #require(reason(entry.why))), "\(entry.why): \(message)")
        #expect(!message.contains("\n"))
        #expect(entry.phrase.split(separator: " ").count < 2 || !message.contains(entry.phrase))
    }

    /// The part of our message that answers to a reason of the vectors.
    private func reason(_ why: String) -> String? {
        if why.contains("checksum") || why.contains("swapped") { return "checksum" }
        if ["not in list", "commas", "typo"].contains(where: why.contains) { return "not in the BIP-39" }
        if why == "empty" { return "empty" }
        return why.contains("word") ? "it has \(why) instead" : nil
    }

    @Test func vectorsCoverBothKinds() throws {
        let invalid = try Fixtures.invalid()
        #expect(invalid.count == 17)
        #expect(invalid.count { $0.why.contains("some normalise") } == 3)
    }

    @Test func namesAMisspeltWordWithItsPositionAndNeighbours() throws {
        let phrase = "jello better achieve collect unaware mountain thought cargo oxygen act hood bridge"
        let message = try #require(refusal(of: phrase))
        #expect(message.hasSuffix("not in the BIP-39 English list: word 1 'jello' (nearest: jelly, hello, sell)"))
    }

    @Test(arguments: [
        ("abouts", "about"), ("abuot", "about"), ("ABUOT", "about"), ("caged", "cage"), ("renew,", "renew"),
        ("abandonment", "abandon"), ("abándon", "abandon"), ("zoo0", "zoo"), ("aban\u{200b}don", "abandon"),
    ])
    func nearestComesFirst(typed: String, meant: String) {
        let near = Spelling.neighbours(of: typed.decomposedStringWithCompatibilityMapping)
        #expect(near.first == meant)
        #expect(near.count <= 3)
    }

    @Test(arguments: ["xqzvwk", "abandonabandonabandon", "слово"])
    func farWordsHaveNoNeighbours(typed: String) {
        #expect(Spelling.neighbours(of: typed) == [])
    }

    @Test(arguments: [
        ("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("about", "abuot", 1), ("ca", "abc", 3),
        ("same", "same", 0),
    ])
    func distance(left: String, right: String, expected: Int) {
        #expect(Spelling.distance(left.unicodeScalars.map(\.value), right.unicodeScalars.map(\.value)) == expected)
    }

    @Test func countsWhatItDoesNotName() throws {
        let czech = (1...12).map { "slovo\($0)" }
        let message = try #require(refusal(of: czech.joined(separator: " ")))
        #expect(czech.filter(message.contains).count <= 3)
        #expect(message.hasSuffix("and 9 more"))
    }

    @Test func showsNoPhraseRunTogetherAndNoControlCharacters() throws {
        let glued = String(repeating: "abandon-", count: 11) + "about"
        let fill = String(repeating: " about", count: 11)
        let cut = try #require(refusal(of: glued + fill))
        #expect(cut.contains("'abandon-abandon-...'"))
        let escaped = try #require(refusal(of: "ab\u{1b}[2J\u{202e}x" + fill))
        #expect(escaped.contains("'ab\\u{1B}[2J\\u{202E}x'"))
    }
}
