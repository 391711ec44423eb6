/// An exact amount of any size: a decimal text without sign or exponent, such as `340282366920938463463374607431768211456`
/// or `0.000000000000000001`.
///
/// Never a floating-point number. Comparing and adding cost time linear in the digits.
public struct Amount: Sendable {
    /// The amount as it was written.
    public let text: String
    /// Digits before the point, without leading zeros.
    private let whole: [UInt8]
    /// Digits after the point, without trailing zeros.
    private let fraction: [UInt8]

    /// More digits than any currency needs, and few enough to calculate with.
    private static let longest = 1024

    /// Nothing.
    public static let zero = Amount(whole: [], fraction: [])

    /// Parses an amount; nil for a sign, an exponent, a lone point, or more than 1,024 characters.
    public init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let areDigits = parts.allSatisfy { part in
            !part.isEmpty && part.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        }
        guard areDigits, parts.count <= 2, text.utf8.count <= Self.longest else { return nil }
        self.text = text
        whole = Array(parts[0].drop { $0 == UInt8(ascii: "0") })
        fraction = parts.count == 2 ? Self.trimmed(Array(parts[1])) : []
    }

    private init(whole: [UInt8], fraction: [UInt8]) {
        self.whole = Array(whole.drop { $0 == UInt8(ascii: "0") })
        self.fraction = Self.trimmed(fraction)
        let shown = self.whole.isEmpty ? [UInt8(ascii: "0")] : self.whole
        let point = self.fraction.isEmpty ? [] : [UInt8(ascii: ".")]
        text = String(decoding: shown + point + self.fraction, as: UTF8.self)
    }

    private static func trimmed(_ fraction: [UInt8]) -> [UInt8] {
        Array(fraction.reversed().drop { $0 == UInt8(ascii: "0") }.reversed())
    }

    /// The exact sum.
    public static func + (left: Amount, right: Amount) -> Amount {
        let scale = max(left.fraction.count, right.fraction.count)
        let sum = add(left.digits(scale: scale), right.digits(scale: scale))
        return Amount(whole: Array(sum.dropLast(scale)), fraction: Array(sum.suffix(scale)))
    }

    private func digits(scale: Int) -> [UInt8] {
        whole + fraction + [UInt8](repeating: UInt8(ascii: "0"), count: scale - fraction.count)
    }

    /// Adds two numbers by hand, as at school.
    private static func add(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
        let zero = UInt8(ascii: "0")
        var sum: [UInt8] = []
        var carry: UInt8 = 0
        for place in 0..<max(left.count, right.count) {
            let first = place < left.count ? left[left.count - 1 - place] - zero : 0
            let second = place < right.count ? right[right.count - 1 - place] - zero : 0
            let digit = first + second + carry
            sum.append(zero + digit % 10)
            carry = digit / 10
        }
        if carry > 0 { sum.append(zero + carry) }
        return sum.reversed()
    }
}

extension Amount: Comparable, Hashable, CustomStringConvertible {
    /// Whether both are the same number: `1.0` equals `1`.
    public static func == (left: Amount, right: Amount) -> Bool {
        left.whole == right.whole && left.fraction == right.fraction
    }

    /// Whether the first is the smaller number.
    public static func < (left: Amount, right: Amount) -> Bool {
        if left.whole.count != right.whole.count { return left.whole.count < right.whole.count }
        if left.whole != right.whole { return left.whole.lexicographicallyPrecedes(right.whole) }
        return left.fraction.lexicographicallyPrecedes(right.fraction)
    }

    /// Hashes the number, not its spelling.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(whole)
        hasher.combine(fraction)
    }

    /// The amount as it was written.
    public var description: String { text }
}
