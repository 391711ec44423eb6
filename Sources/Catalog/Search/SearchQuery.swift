internal import Primitives

/// What a person types to search, turned into an expression that FTS5 cannot misread.
///
/// Words must all occur; `"a phrase"` occurs as it is; `pre*` stands for every word that begins so. Everything else is
/// text: FTS5's own operators mean nothing here, so no query is an injection or a syntax error of SQLite.
struct SearchQuery {
    /// The expression.
    let expression: String

    private static let longest = 1024
    private static let mostTerms = 32

    /// Reads a query.
    ///
    /// - Throws: `usage` for one without a letter or digit, with an open quote, a NUL, or of unreasonable size.
    init(_ text: String) throws {
        guard text.utf8.count <= Self.longest else { throw Self.refusal("is longer than \(Self.longest) bytes") }
        guard !text.utf8.contains(0) else { throw Self.refusal("holds a NUL character") }
        // By scalars, as FTS5 reads: a quote with a combining mark is one character of Swift's, and still a quote.
        let pieces = text.unicodeScalars.split(separator: "\"", omittingEmptySubsequences: false).map(Substring.init)
        guard !pieces.count.isMultiple(of: 2) else { throw Self.refusal("has a quote that is not closed") }
        var terms: [String] = []
        var isPrefix = false
        for (index, piece) in pieces.enumerated().reversed() {
            var piece = piece
            if index.isMultiple(of: 2) {
                // A star right behind a phrase belongs to it.
                isPrefix = piece.first == "*" && index > 0
                if isPrefix { piece = piece.dropFirst() }
                terms += piece.split(whereSeparator: \.isWhitespace).compactMap {
                    Self.term($0, isPrefix: $0.last == "*")
                }
            } else {
                terms += [Self.term(piece, isPrefix: isPrefix)].compactMap(\.self)
            }
        }
        guard !terms.isEmpty else { throw Self.refusal("has no word: give letters or digits") }
        guard terms.count <= Self.mostTerms else { throw Self.refusal("has more than \(Self.mostTerms) words") }
        expression = terms.joined(separator: " AND ")
    }

    /// A quoted string of FTS5, which takes every character but a quote for text; nil for one without a word in it.
    private static func term(_ text: Substring, isPrefix: Bool) -> String? {
        guard text.contains(where: { $0.isLetter || $0.isNumber }) else { return nil }
        return "\"\(text)\"" + (isPrefix ? " *" : "")
    }

    private static func refusal(_ reason: String) -> OsnovaError {
        OsnovaError(.usage, "the search query \(reason)")
    }
}
