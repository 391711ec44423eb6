/// What `openssl speed` says of this machine.
enum OpenSSLSpeed {
    /// GB a second of an algorithm over pieces of 64 KiB, of all processes together.
    static func rate(_ algorithm: String, processes: Int = 1) throws -> Double {
        let several = processes > 1 ? "-multi \(processes)" : ""
        let line = "openssl speed -seconds 1 -bytes 65536 \(several) \(algorithm) 2>/dev/null | tail -1"
        // The last column, in thousands of bytes: `sha256  2034567.89k`.
        let column = try Shell.output(line).split(whereSeparator: \.isWhitespace).last?.dropLast()
        return (column.flatMap { Double($0) } ?? .nan) / 1e6
    }
}
