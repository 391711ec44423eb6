internal import ArgumentParser
internal import Foundation
internal import OsnovaStorage
internal import SystemPackage

struct VerifyBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract:
            "Verification of a whole store on all cores, in turn with 'openssl speed' of SHA-256 on the same cores.")

    @Option(help: "MiB of the store.")
    var size = 2048

    @Option(help: "MiB of each of its blobs.")
    var blob = 32

    @Option(help: "Rounds of both.")
    var rounds = 5

    func validate() throws {
        try require("size", size, in: sensibleSizes)
        try require("blob", blob, in: 1...size)
        try require("rounds", rounds, in: sensibleCounts)
    }

    func run() throws {
        try ScratchStore.use("verify") { scratch in
            try fill(scratch.store, scratch.folder)
            try measure(scratch.store)
        }
    }

    private func measure(_ store: Store) throws {
        _ = try Verification(store: store).run()
        var ratios: [Double] = []
        for _ in 0..<rounds {
            let start = Clock.nanoseconds
            guard try Verification(store: store).run().ok == size / blob else {
                throw ValidationError("the store is not sound")
            }
            let ours = Double(size / blob * blob) * 1_048_576 / Double(Clock.nanoseconds - start)
            let theirs = try OpenSSLSpeed.rate("-evp sha256", processes: ProcessInfo.processInfo.activeProcessorCount)
            ratios.append(ours / theirs)
            print(
                "verify \(Figures.text(ours)) GB/s, SHA-256 alone \(Figures.text(theirs)) GB/s: \(Figures.text(ours / theirs))"
            )
        }
        print("median \(Figures.text(Figures.median(ratios) ?? .nan))")
    }

    private func fill(_ store: Store, _ folder: URL) throws {
        let path = folder.appendingPathComponent("content").path
        for _ in 0..<size / blob {
            try Shell.run("head -c \(blob)M /dev/urandom > \(path)")
            let batch = try PutBatch(store: store)
            _ = try batch.add(.file(FilePath(path))) { _, _, _ in }
            _ = try batch.commit()
        }
        try Shell.run("rm \(path) && sync")
    }
}
