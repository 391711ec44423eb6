package import Foundation

/// Text that compresses as text does, the same for the same seed.
package func prose(_ count: Int, seed: UInt64) -> Data {
    var generator = SeededGenerator(seed: seed)
    let words = (0..<500).map { _ in
        String(
            (0..<Int.random(in: 2...9, using: &generator)).map { _ in
                "etaoinshrdlu".randomElement(using: &generator) ?? "e"
            })
    }
    var text = Data(capacity: count + 16)
    while text.count < count {
        text.append(contentsOf: Array(words[Int.random(in: 0..<words.count, using: &generator)].utf8))
        text.append(Bool.random(using: &generator) ? 32 : 10)
    }
    return text.prefix(count)
}
