internal import ArgumentParser
internal import Foundation
internal import OsnovaStorage

struct CompressionBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compression",
        abstract: "One content, sealed as it is and compressed: put, size, reads through fresh mounts.",
        discussion: "The content should be some hundred MB of what you keep.")

    @Option(help: "Rounds; each measures both ways once.")
    var rounds = 3

    @Option(help: "The program to measure.")
    var program: String

    @Option(help: "Where stores and mounts are made.")
    var folder = "/tmp/osnovafs-compare"

    @Argument(help: "The file that is put.")
    var content: String

    private static let figures = [
        "put, MB/s", "sealed, MB", "cold sequential, MB/s", "random 4 KiB, cold, µs", "resident memory, MB",
    ]

    func validate() throws { try require("rounds", rounds, in: sensibleCounts) }

    func run() throws {
        var samples = [[[Double]]](repeating: [], count: 2)
        for _ in 0..<rounds {
            for (way, option) in ["--no-compress", "--compress"].enumerated() {
                samples[way].append(try measure(option))
            }
        }
        print("| figure | as it is | compressed |\n|---|---:|---:|")
        for (column, name) in Self.figures.enumerated() {
            let medians = samples.map { Figures.median($0.map { $0[column] }) ?? 0 }
            print("| \(name) | \(medians.map(Figures.text).joined(separator: " | ")) |")
        }
    }

    private func measure(_ option: String) throws -> [Double] {
        let place = "\(folder)/compression"
        let mount = "\(place)/mnt"
        let unlock = "--data-root \(place)/root --phrase-file \(place)/phrase"
        try Shell.run(
            "rm -rf \(place); mkdir -p \(mount) && \(program) init --data-root \(place)/root --phrase-out \(place)/phrase"
        )
        defer { try? Shell.run("rm -rf \(place)") }
        let size = try Double(Data(contentsOf: URL(fileURLWithPath: content), options: .alwaysMapped).count) / 1e6
        let peer = Peer(
            name: option, prepare: "true", mount: "\(program) mount \(unlock) \(mount)",
            unmount: "\(program) unmount \(mount)", root: "\(mount)/files", process: "driver-channel.*\(mount)")
        let figures = MountFigures(root: peer.root)
        let put = try figures.seconds { try Shell.run("\(program) put \(unlock) \(option) --as content \(content)") }
        let sealed = try Shell.output("stat -c %s \(place)/root/blobs/*.enc").trimmingCharacters(in: .newlines)
        try Shell.run(peer.mount)
        defer { try? Shell.run(peer.unmount) }
        let sequential = try figures.seconds { try figures.read("content") }
        try peer.remount()
        let random = try figures.readRandomly("content", reads: 3_000)
        return [
            size / put, (Double(sealed) ?? 0) / 1e6, size / sequential, random,
            figures.memory("driver-channel.*\(mount)") ?? 0,
        ]
    }
}
