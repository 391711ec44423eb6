import Primitives
import Testing

@testable import Keyring

@Suite struct WordListTests {
    private let words = (0..<EnglishWordList.count).map {
        String(decoding: EnglishWordList.word($0), as: UTF8.self)
    }

    @Test func isTheOfficialList() throws {
        let file = Array((words.joined(separator: "\n") + "\n").utf8)
        let digest = try file.withUnsafeBytes { try SHA256.digest($0) }
        #expect(digest.hex == "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda")
    }

    @Test func findsEachOfItsWords() {
        for (index, word) in words.enumerated() {
            #expect(EnglishWordList.index(of: word.utf8) == index)
        }
    }

    @Test(arguments: ["", "a", "aban", "abandonn", "zooo", "zzz", "About", "about ", "zoo\n", "abandon ability"])
    func findsNothingElse(text: String) {
        #expect(EnglishWordList.index(of: text.utf8) == nil)
    }
}
