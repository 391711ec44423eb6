import Foundation
import TestSupport
import Testing

/// The program is killed at each point at which it changes the disk, and the store is sound afterwards.
///
/// `OSNOVAFS_CRASH_TEST=full swift test --filter CrashTests` tries every point; else some of each command are tried.
@Suite(.serialized) struct CrashTests {
    static let isFull = ProcessInfo.processInfo.environment["OSNOVAFS_CRASH_TEST"] == "full"
    private static let shortCount = 8

    /// The points to try of a command: all, or some with the last among them; the total comes first.
    static func points(_ command: [String], atMost count: Int, fresh: () throws -> CrashFolder) throws -> (Int, [Int]) {
        /// The least number of a point that is never reached, by halving.
        func isReached(_ point: Int) throws -> Bool { try fresh().run(command, crashAt: point).code == -9 }
        var high = 1
        while try isReached(high) { high *= 2 }
        var low = high / 2
        while high - low > 1 {
            let middle = (low + high) / 2
            if try isReached(middle) { low = middle } else { high = middle }
        }
        let step = isFull ? 1 : max(1, low / count)
        return (low, Set(stride(from: 1, through: low, by: step)).union([low]).sorted())
    }

    @Test(arguments: CrashScenario.all)
    func `killed anywhere, a command leaves all that was there and nothing half done`(_ scenario: CrashScenario) throws
    {
        let folder = try TemporaryFolder()
        let template = try CrashFolder(making: folder.url.appendingPathComponent("template"))
        let prepared = try scenario.prepare(template)
        let trial = folder.url.appendingPathComponent("trial")
        func fresh() throws -> CrashFolder {
            try? FileManager.default.removeItem(at: trial)
            // With links as links and times as times.
            #expect(try Program.run("/usr/bin/cp", ["-a", template.url.path, trial.path]).code == 0)
            return CrashFolder(trial)
        }
        let (total, points) = try Self.points(scenario.command, atMost: Self.shortCount, fresh: fresh)
        for point in points {
            let folder = try fresh()
            let place = "\(scenario.name), killed at point \(point) of \(total)"
            let killed = try folder.run(scenario.command, crashAt: point)
            #expect(killed.code == -9, "\(place): \(killed.errors)")
            try scenario.inspect(folder, prepared, killed, place)
        }
        print("\(scenario.name): killed at \(points.count) of \(total) points")
        #expect(points.count > 1)
    }
}
