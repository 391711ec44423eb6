internal import ArgumentParser

/// Timed loops over the library and the program.
@main
struct Benchmarks: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "osnovafs-benchmarks", abstract: "Measures osnovafs on this machine.",
        subcommands: [
            CatalogBenchmark.self, CryptoBenchmark.self, SealBenchmark.self, VerifyBenchmark.self, TreeBenchmark.self,
            MountBenchmark.self, ScaleBenchmark.self, CompressionBenchmark.self, SoakTest.self, SoakWriter.self,
            MountWork.self,
        ])
}
