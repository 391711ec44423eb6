import Primitives
import Testing

@Suite struct PatienceTests {
    @Test func `it is tried once at least, and no more when it has worked`() {
        for (seconds, works, expected) in [(0.0, 2, 1), (-1, 1, 1), (60, 3, 3)] as [(Double, Int, Int)] {
            var tries = 0
            let hasWorked = Patience.tries(forAtMost: seconds) {
                tries += 1
                return tries == works
            }
            #expect(tries == expected && hasWorked == (works == expected))
        }
    }
}
