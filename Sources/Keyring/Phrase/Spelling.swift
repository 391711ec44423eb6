/// Help with words that the list does not have.
enum Spelling {
    /// How many neighbours, and how many unknown words, one message names.
    static let maximumNamed = 3
    /// Unicode scalars of a word that a message shows; more of them are several words run together.
    static let maximumShown = 16

    /// Names unknown words by position (from 1) with their neighbours.
    ///
    /// The rest are only counted, so that a phrase in another language is not shown whole.
    static func report(_ unknown: [(position: Int, word: String)]) -> String {
        let named = unknown.prefix(maximumNamed).map { position, word in
            let near = neighbours(of: word).joined(separator: ", ")
            return "word \(position) '\(shown(word))'" + (near.isEmpty ? "" : " (nearest: \(near))")
        }
        let rest = unknown.count - named.count
        let tail = rest > 0 ? " and \(rest) more" : ""
        return "not in the BIP-39 English list: " + named.joined(separator: ", ") + tail
    }

    /// The words of the list that are nearest by edit distance, then by common beginning; none that is far.
    static func neighbours(of word: String) -> [String] {
        let typed = word.unicodeScalars.map { $0.isASCII ? UInt32(PhraseText.lowered(UInt8($0.value))) : $0.value }
        // With half of the letters wrong it is another word; the longest of the list has 8.
        let limit = max(2, typed.count / 2)
        guard typed.count <= maximumShown else { return [] }
        var near: [(distance: Int, differing: Int, index: Int)] = []
        for index in 0..<EnglishWordList.count {
            let candidate = EnglishWordList.word(index).map(UInt32.init)
            let distance = distance(typed, candidate)
            guard distance <= limit else { continue }
            let common = zip(typed, candidate).prefix { $0 == $1 }.count
            near.append((distance, -common, index))
        }
        return near.sorted(by: <).prefix(maximumNamed).map {
            String(decoding: EnglishWordList.word($0.index), as: UTF8.self)
        }
    }

    /// Insertions, deletions, substitutions and swaps of two neighbours (optimal string alignment distance).
    static func distance(_ left: [UInt32], _ right: [UInt32]) -> Int {
        var beforePrevious: [Int] = []
        var previous = Array(0...right.count)
        for row in left.indices {
            var current = [row + 1]
            for column in right.indices {
                let substitution = previous[column] + (left[row] == right[column] ? 0 : 1)
                var best = min(substitution, previous[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    best = min(best, beforePrevious[column - 1] + 1)
                }
                current.append(best)
            }
            (beforePrevious, previous) = (previous, current)
        }
        return previous[right.count]
    }

    /// The word as one line of a terminal can show it: cut, and without control or invisible characters.
    private static func shown(_ word: String) -> String {
        let scalars = word.unicodeScalars
        let visible = scalars.prefix(maximumShown).map { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .privateUse, .surrogate, .unassigned: scalar.escaped(asASCII: true)
            default: String(scalar)
            }
        }
        return visible.joined() + (scalars.count > maximumShown ? "..." : "")
    }
}
