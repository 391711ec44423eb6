import OsnovaStorage
import Testing

/// Amounts and versions: pure values.
@Suite struct ValueTests {
    @Test(arguments: ["0", "1", "007", "18446744073709551616", "0.000000000000000001", "1.50"])
    func `a decimal text is an amount and keeps its spelling`(text: String) throws {
        #expect(try #require(Amount(text)).text == text)
    }

    @Test(arguments: [
        "", ".", "1.", ".5", "-1", "+1", "1e3", "0x10", "1,5", " 1", "1 ", "١", "NaN", "1.2.3", "1\u{0}",
        String(repeating: "9", count: 1025),
    ])
    func `anything else is no amount`(text: String) {
        #expect(Amount(text) == nil)
    }

    @Test(arguments: [
        ("18446744073709551615", "1", "18446744073709551616"),
        ("340282366920938463463374607431768211455", "1", "340282366920938463463374607431768211456"),
        ("0.1", "0.2", "0.3"), ("9.99", "0.01", "10"), ("0", "0", "0"), ("0.000", "5.50", "5.5"),
        ("999999999999999999999999.999999999999999999", "0.000000000000000001", "1000000000000000000000000"),
    ])
    func `sums are exact`(left: String, right: String, sum: String) throws {
        let (first, second) = (try #require(Amount(left)), try #require(Amount(right)))
        #expect((first + second).text == sum)
        #expect((second + first).text == sum)
    }

    @Test func `amounts compare as numbers`() throws {
        let ascending = [
            "0", "0.5", "0.50000000000000000001", "1", "2", "10", "18446744073709551615", "18446744073709551616",
        ]
        let amounts = try ascending.map { try #require(Amount($0)) }
        #expect(amounts.shuffled().sorted() == amounts)
        #expect(Amount("1.0") == Amount("001"))
        #expect(Amount("1.0")?.hashValue == Amount("1")?.hashValue)
    }

    @Test func `versions compare as semver says`() throws {
        // The order that semver.org 2.0.0 gives in its section 11, and numbers beyond 64 bits.
        let ascending = [
            "0.0.1", "0.9.0", "0.10.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.9.3", "1.10.0", "2.0.0", "18446744073709551617.0.0",
        ]
        let versions = try ascending.map { try #require(SemanticVersion($0)) }
        #expect(versions.shuffled().sorted().map(\.text) == ascending)
        #expect(SemanticVersion("1.0.0+a") == SemanticVersion("1.0.0+b"))
    }

    @Test(arguments: [
        "", "1", "1.2", "v1.2.3", "1.2.3.4", "01.2.3", "1.2.3-01", "1.2.3-", "1.2.3+", "1.2.3-ä", " 1.2.3",
    ])
    func `what is no version is none`(text: String) {
        #expect(SemanticVersion(text) == nil)
    }
}
