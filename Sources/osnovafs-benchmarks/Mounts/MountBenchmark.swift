internal import ArgumentParser
internal import Foundation
internal import OsnovaStorage

struct MountBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mount",
        abstract: "The mount beside other filesystems, over the same files in one run: medians and ratios.",
        discussion: """
            'scripts/compare' builds everything, installs the peers and runs this. A peer that is not installed is \
            left out and said to be. Ends with 1 where a target is missed.
            """)

    @Option(help: "Rounds; each measures every filesystem once.")
    var rounds = 7

    @Option(help: "MiB in the big file.")
    var size = 512

    @Option(help: "Filesystems to measure beside ours, with commas between.")
    var peers = "plain,passthrough,gocryptfs"

    @Option(help: "The program to measure.")
    var program: String

    @Option(help: "Where stores and mounts are made; kept from run to run.")
    var folder = "/tmp/osnovafs-compare"

    @Flag(help: "Write one JSON document: figure by figure, the median of each filesystem.")
    var json = false

    func validate() throws {
        try require("rounds", rounds, in: sensibleCounts)
        try require("size", size, in: sensibleSizes)
    }

    func run() throws {
        let corpus = Corpus(folder: URL(fileURLWithPath: "\(folder)/corpus"), bigSize: size)
        try corpus.make()
        let all = Peers(folder: folder, corpus: corpus.folder.path, program: program)
        let chosen = try prepare([all.ours] + wanted(all))
        var samples: [String: [Figure: [Double]]] = [:]
        let time = Clock.seconds
        for round in 1...rounds {
            for peer in chosen {
                note("round \(round) of \(rounds): \(peer.name)")
                try add(MountFigures(root: peer.root).measure(peer), of: peer.name, to: &samples)
            }
            note("round \(round) of \(rounds): put")
            try add(PutFigures(peers: all, round: "\(time)-\(round)").measureOurs(), of: "osnovafs", to: &samples)
            guard chosen.contains(where: { $0.name == "gocryptfs" }) else { continue }
            try add(PutFigures(peers: all, round: "\(time)-\(round)").measureGocryptfs(), of: "gocryptfs", to: &samples)
        }
        let medians = samples.mapValues { $0.compactMapValues(Figures.median) }
        let report = MountReport(names: chosen.map(\.name), medians: medians)
        try json ? report.printJSON() : report.printTables()
        if !json { for row in report.missed { row.explain(peers: all) } }
        guard report.missed.isEmpty else { throw ExitCode(1) }
    }

    private func wanted(_ all: Peers) throws -> [Peer] {
        try peers.split(separator: ",").map { name in
            guard let peer = all.peer(String(name)) else {
                throw OsnovaError(.usage, "\(name) is none of \(Peers.names.joined(separator: ", "))")
            }
            return peer
        }
    }

    /// Our store is made anew, since the program may be another one; a peer's is kept.
    ///
    /// An ext4 without a journal searches long for an inode where many were removed in the last minutes, and whoever puts next
    /// would pay for it: so what earlier comparisons stored is emptied, not removed, and `chattr +T` gives each store a place
    /// of its own on the disk, away from what others removed.
    private func prepare(_ peers: [Peer]) throws -> [Peer] {
        try Shell.run(
            """
            chattr +T \(folder); umount -l \(folder)/osnovafs.mnt; mv \(folder)/osnovafs.store \(folder)/put-old-\(Clock.seconds)
            find \(folder)/put-* -type f -size +0 -exec truncate -s 0 {} +; sync; true
            """)
        return try peers.filter { peer in
            try Shell.run("mkdir -p \(folder)/\(peer.name).mnt")
            guard !FileManager.default.fileExists(atPath: "\(folder)/\(peer.name).ready") else { return true }
            note("preparing \(peer.name)")
            do {
                try Shell.run(peer.prepare)
                if peer.name != "osnovafs" { try Shell.run("touch \(folder)/\(peer.name).ready") }
                return true
            } catch let failure as Shell.Failure where peer.name != "osnovafs" {
                note("LEFT OUT: \(peer.name): \(failure)")
                return false
            }
        }
    }

    private func add(
        _ figures: [Figure: Double], of name: String, to samples: inout [String: [Figure: [Double]]]
    ) {
        for (figure, value) in figures { samples[name, default: [:]][figure, default: []].append(value) }
    }

    private func note(_ line: String) { FileHandle.standardError.write(Data("\(line)\n".utf8)) }
}

/// The tables of a comparison, in Markdown.
struct MountReport {
    let names: [String]
    let medians: [String: [Figure: Double]]

    private struct Row {
        let target: MountTarget
        let ours: Double
        let theirs: Double
        var ratio: Double { ours / theirs }
    }

    private var rows: [Row] {
        MountTarget.all.compactMap { target in
            guard let ours = medians["osnovafs"]?[target.figure], let theirs = medians[target.peer]?[target.figure]
            else { return nil }
            return Row(target: target, ours: ours, theirs: theirs)
        }
    }

    var missed: [MissedRow] {
        rows.filter { !$0.target.isMet($0.ratio) }.map { MissedRow(target: $0.target, ratio: $0.ratio) }
    }

    func printTables() {
        print("| figure | " + names.joined(separator: " | ") + " |")
        print("|---|" + names.map { _ in "---:|" }.joined())
        for figure in Figure.allCases {
            let cells = names.map { medians[$0]?[figure].map(Figures.text) ?? "" }
            if cells.contains(where: { !$0.isEmpty }) {
                print("| \(figure.rawValue) | \(cells.joined(separator: " | ")) |")
            }
        }
        print("\n| figure | must reach | ratio | |\n|---|---|---:|---|")
        for row in rows {
            let verdict = row.target.isMet(row.ratio) ? "met" : "**missed**"
            print("| \(row.target.figure.rawValue) | \(row.target.text) | \(Figures.text(row.ratio)) | \(verdict) |")
        }
    }

    func printJSON() throws {
        let document = medians.mapValues { figures in
            Dictionary(uniqueKeysWithValues: figures.map { ($0.key.rawValue, $0.value) })
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(document), as: UTF8.self))
    }
}
