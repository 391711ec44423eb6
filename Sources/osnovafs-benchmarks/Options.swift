internal import ArgumentParser

/// Makes sure that an option's number is one that can be measured with.
///
/// - Throws: a `ValidationError` that names the option.
func require(_ option: String, _ value: Int, in range: ClosedRange<Int>) throws {
    guard range.contains(value) else {
        throw ValidationError("--\(option) is \(value): choose \(range.lowerBound) to \(range.upperBound)")
    }
}

/// How many times something may be measured.
let sensibleCounts = 1...1_000_000
/// Sizes of what is measured, in MiB.
let sensibleSizes = 1...262_143
