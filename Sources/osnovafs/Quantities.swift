internal import ArgumentParser

/// A time span as an argument: a number and one of s, m, h, d; seconds without.
struct DurationArgument: ExpressibleByArgument {
    let seconds: Int64

    init(seconds: Int64) {
        self.seconds = seconds
    }

    init?(argument: String) {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let value = Quantity.parse(argument, units: units) else { return nil }
        seconds = value
    }

    /// Unlike a debug description, something that can be given as an argument.
    var defaultValueDescription: String {
        seconds % 3600 == 0 && seconds > 0 ? "\(seconds / 3600)h" : "\(seconds)s"
    }
}

/// A size as an argument: a number and one of K, M, G, T, each 1024 times the one before; bytes without.
struct SizeArgument: ExpressibleByArgument {
    let bytes: Int64

    init(bytes: Int64) {
        self.bytes = bytes
    }

    init?(argument: String) {
        let units: [Character: Int64] = ["k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40]
        guard let value = Quantity.parse(argument, units: units) else { return nil }
        bytes = value
    }

    var defaultValueDescription: String {
        bytes % (1 << 30) == 0 && bytes > 0 ? "\(bytes >> 30)G" : "\(bytes)"
    }
}

/// Numbers with units.
enum Quantity {
    /// A whole number that is not below 0, times its unit; nil for anything else, too large a one included.
    static func parse(_ text: String, units: [Character: Int64], needsUnit: Bool = false) -> Int64? {
        var digits = text[...]
        var unit: Int64 = 1
        if let last = text.lowercased().last, let factor = units[last] {
            unit = factor
            digits = digits.dropLast()
        } else if needsUnit {
            return nil
        }
        guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int64(digits) else {
            return nil
        }
        let (value, overflow) = number.multipliedReportingOverflow(by: unit)
        return overflow ? nil : value
    }
}
