internal import Primitives

/// A BIP-39 English phrase that passed its checksum, in guarded memory.
///
/// Its canonical form, from which the master key is derived: lower case, words joined by one space.
public struct RecoveryPhrase: Sendable {
    /// The numbers of words that `generate` offers: 128 and 256 bits of entropy.
    public static let generatedCounts = [12, 24]

    let bytes: SecretBytes

    /// Reads a phrase from text: any spacing, capitals, a byte order mark and compatibility forms (NFKD) are accepted.
    ///
    /// ASCII text is not copied; any other passes through strings that cannot be wiped.
    ///
    /// - Parameter text: UTF-8, at most 64 KiB; wiping it stays with the caller.
    /// - Throws: `denied` for text that is no valid phrase (BIP-39), saying why: the number of words, the unknown words
    ///   with their neighbours in the list, or the checksum.
    public init(parsing text: UnsafeRawBufferPointer) throws {
        bytes = try PhraseText.withWords(of: text) { try Self.packed($0).phrase() }
    }

    /// Encodes 16, 20, 24, 28 or 32 bytes of entropy (BIP-39).
    init(entropy: UnsafeRawBufferPointer) throws {
        let packed = try PackedWords(count: entropy.count / 4 * 3)
        packed.withEntropy { $0.copyMemory(from: entropy) }
        try packed.seal()
        bytes = try packed.phrase()
    }

    private init(bytes: SecretBytes) {
        self.bytes = bytes
    }

    /// Makes a new phrase of 12 or 24 words from the system's randomness.
    ///
    /// - Throws: `usage` for another number of words.
    public static func generate(words count: Int) throws -> RecoveryPhrase {
        guard generatedCounts.contains(count) else {
            throw OsnovaError(.usage, "a new recovery phrase has 12 or 24 words, not \(count)")
        }
        let packed = try PackedWords(count: count)
        try packed.withEntropy { try Sodium.randomize($0) }
        try packed.seal()
        return RecoveryPhrase(bytes: try packed.phrase())
    }

    /// Calls `body` with the canonical phrase in ASCII; the pointer must not escape.
    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try bytes.withUnsafeBytes(body)
    }

    /// Looks words up and checks their number and checksum.
    static func packed(_ words: [UnsafeRawBufferPointer]) throws -> PackedWords {
        guard !words.isEmpty else { throw OsnovaError.refusedPhrase("it is empty") }
        guard PackedWords.allowedCounts.contains(words.count) else {
            let count = words.count == 1 ? "1 word" : "\(words.count) words"
            throw OsnovaError.refusedPhrase("it has \(count) instead of 12, 15, 18, 21 or 24")
        }
        let packed = try PackedWords(count: words.count)
        var unknown: [(position: Int, word: String)] = []
        for (position, word) in words.enumerated() {
            if let index = EnglishWordList.index(of: word.lazy.map(PhraseText.lowered)) {
                packed.set(index, at: position)
            } else {
                unknown.append((position + 1, String(decoding: word, as: UTF8.self)))
            }
        }
        guard unknown.isEmpty else { throw OsnovaError.refusedPhrase(Spelling.report(unknown)) }
        guard try packed.isSound() else {
            throw OsnovaError.refusedPhrase("its checksum does not match; a word is another one or out of its place")
        }
        return packed
    }
}
