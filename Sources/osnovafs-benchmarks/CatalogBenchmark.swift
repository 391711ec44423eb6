internal import ArgumentParser
internal import Foundation
internal import OsnovaStorage

struct CatalogBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "catalog",
        abstract: "Every query of the library over a well filled database, under a concurrent writer.",
        discussion: """
            Fills 1,000 components, 200 applications, 10,000 transactions, 100,000 cache entries and 100,000 messages, \
            then prints the 50th, 95th and 99th percentile in milliseconds. Ends with 1 where a target is missed.
            """)

    @Option(help: "Runs of each query.")
    var runs = 500

    func validate() throws { try require("runs", runs, in: sensibleCounts) }

    func run() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "osnovafs-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let catalog = try Catalog(path: folder.appendingPathComponent("osnova.db").path, creating: true) { _ in nil }
        var filling = CatalogFilling(catalog)
        try filling.fillSmallTables()
        let small = try catalog.databaseStatistics().bytes
        try filling.fillLargeTables()
        let report = BenchmarkReport()
        report.note("database, 1,000 components and 10,000 transactions", Double(small) / 1e6, "MB", below: 30)
        report.note("database, filled", Double(try catalog.databaseStatistics().bytes) / 1e6, "MB", below: nil)
        try measureQueries(catalog, report)
        try HeartbeatBenchmark(catalog: catalog, report: report).run()
        try catalog.close()
        guard report.isMet else { throw ExitCode(1) }
    }

    private func measureQueries(_ catalog: Catalog, _ report: BenchmarkReport) throws {
        let writer = try BackgroundWriter(path: catalog.path)
        defer { writer.stop() }
        report.header()
        for query in CatalogQueries(catalog: catalog).all {
            var samples = Samples(query.name)
            for number in 0..<runs { try samples.measure { try query.run(number) } }
            report.add(samples, below: query.target)
        }
        print("   the writer committed \(writer.stop()) transactions meanwhile")
    }
}

/// Prints figures and remembers whether all targets were met.
final class BenchmarkReport {
    private(set) var isMet = true

    func header() {
        print("\n" + Self.row("query", ["p50", "p95", "p99", "max", "p95 must be below"]))
    }

    func add(_ samples: Samples, below target: Double?) {
        let figures = [50, 95, 99].map { Self.text(samples.percentile($0)) } + [Self.text(samples.slowest)]
        let isMissed = target.map { samples.percentile(95) >= $0 } ?? false
        if isMissed { isMet = false }
        print(Self.row(samples.name, figures + [target.map { "\($0) ms" + (isMissed ? "  MISSED" : "") } ?? "-"]))
    }

    func note(_ name: String, _ value: Double, _ unit: String, below target: Double?) {
        let isMissed = target.map { value >= $0 } ?? false
        if isMissed { isMet = false }
        let goal = target.map { ", must be below \($0)\(isMissed ? "  MISSED" : "")" } ?? ""
        print("\(name): \(Self.text(value)) \(unit)\(goal)")
    }

    private static func text(_ value: Double) -> String { String(format: "%.3f", value) }

    private static func row(_ name: String, _ cells: [String]) -> String {
        name.padding(toLength: 44, withPad: " ", startingAt: 0)
            + cells.map { String(repeating: " ", count: max(1, 9 - $0.count)) + $0 }.joined()
    }
}
