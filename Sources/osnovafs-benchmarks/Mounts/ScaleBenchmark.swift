internal import ArgumentParser
internal import Foundation
internal import Glibc
internal import OsnovaStorage

struct ScaleBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scale",
        abstract: "What grows with the number of blobs: mount, first listing, whole listing, look-ups, memory.",
        discussion: "A store of 100,000 blobs takes about half a minute to make, one of a million some minutes.")

    @Option(help: "Numbers of blobs, with commas between.")
    var counts = "1000,10000,100000"

    @Option(help: "The program to measure.", transform: { URL(fileURLWithPath: $0).path })
    var program: String

    @Option(help: "Where stores and mounts are made; kept from run to run.")
    var folder = "/tmp/osnovafs-compare"

    private func numbers() throws -> [Int] {
        try counts.split(separator: ",").map { text in
            guard let count = Int(text) else { throw ValidationError("--counts has \(text): give numbers of blobs") }
            try require("counts", count, in: 1...100_000_000)
            return count
        }
    }

    func validate() throws { _ = try numbers() }

    func run() throws {
        print(
            "| blobs | mount + first ls, s | ls -f, entries/s | stat of one, µs | memory, MB |\n|---:|---:|---:|---:|---:|"
        )
        for count in try numbers() {
            let store = ScaleStore(count: count, folder: folder, program: program)
            try store.make()
            let figures = try (0..<3).map { _ in try store.measure() }
            let medians = (0..<4).map { column in Figures.median(figures.map { $0[column] }) ?? 0 }
            print("| \(count) | " + medians.map(Figures.text).joined(separator: " | ") + " |")
        }
    }
}

/// A store of many small blobs.
private struct ScaleStore {
    let count: Int
    let folder: String
    let program: String

    private var place: String { "\(folder)/scale-\(count)" }
    private var mount: String { "\(place)/mnt" }
    private var unlock: String { "--data-root \(place)/root --phrase-file \(place)/phrase" }

    /// Makes the store unless an earlier run did.
    func make() throws {
        guard !FileManager.default.fileExists(atPath: "\(place)/complete") else { return }
        try Shell.run("rm -rf \(place); mkdir -p \(mount) \(place)/files")
        for number in 0..<count {
            let path = "\(place)/files/\(number / 1000)"
            if number.isMultiple(of: 1000) { try Shell.run("mkdir \(path)") }
            try Data("content number \(number)\n".utf8).write(to: URL(fileURLWithPath: "\(path)/\(number)"))
        }
        try Shell.run(
            """
            \(program) init --data-root \(place)/root --phrase-out \(place)/phrase
            cd \(place)/files && \(program) put \(unlock) -r . && rm -rf \(place)/files && touch \(place)/complete
            """)
    }

    /// Seconds to the first listing, entries a second, microseconds a look-up, MB.
    func measure() throws -> [Double] {
        let start = Clock.nanoseconds
        try Shell.run("\(program) mount \(unlock) \(mount)")
        defer { try? Shell.run("\(program) unmount \(mount)") }
        _ = try FileManager.default.contentsOfDirectory(atPath: mount)
        let ready = Double(Clock.nanoseconds - start) / 1e9
        var names: [String] = []
        let rate = try list(&names)
        let lookup = look(at: names)
        let memory = try Shell.output("ps -o rss= -p $(pgrep -f -- 'driver-channel.*\(mount)' | head -1)")
        return [ready, rate, lookup, (Double(memory.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0) / 1024]
    }

    private func list(_ names: inout [String]) throws -> Double {
        guard let directory = opendir("\(mount)/blobs") else { return 0 }
        defer { closedir(directory) }
        let start = Clock.nanoseconds
        var seen = 0
        while let entry = readdir(directory) {
            seen += 1
            // A thousand of them are looked at afterwards.
            guard seen.isMultiple(of: max(1, count / 1000)) else { continue }
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
                })
        }
        return Double(seen) / (Double(Clock.nanoseconds - start) / 1e9)
    }

    private func look(at names: [String]) -> Double {
        var status = stat()
        let start = Clock.nanoseconds
        for name in names { _ = stat("\(mount)/blobs/\(name)", &status) }
        return Double(Clock.nanoseconds - start) / 1e3 / Double(max(1, names.count))
    }
}
