internal import Foundation

/// Looks again and again until something is so, for at most some seconds; whether it became so.
package func eventually(within seconds: Double = 10, _ condition: () throws -> Bool) -> Bool {
    let deadline = Date().addingTimeInterval(seconds)
    while true {
        // What cannot be read is not so yet.
        if (try? condition()) == true { return true }
        guard Date() < deadline else { return false }
        usleep(10_000)
    }
}
