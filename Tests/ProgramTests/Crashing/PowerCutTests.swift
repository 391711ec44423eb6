import Foundation
import TestSupport
import Testing

/// The power goes at each point at which the program changes the disk, and with it all that was not made durable.
///
/// On a real filesystem with SQLite's own `fsync`: see ``PowerCutDisk``. What was acknowledged must be there, and nothing
/// half done. Killing alone loses nothing that was written; this loses everything that was not synchronized.
/// `OSNOVAFS_CRASH_TEST=full` tries every point, on ext4 and on xfs.
@Suite(.serialized, .enabled(if: PowerCutDisk.kinds.contains(.ext4), "SKIPPED: no power was cut, \(LoopDisk.obstacle)"))
struct PowerCutTests {
    private static let kinds: [LoopDisk.Kind] = CrashTests.isFull ? PowerCutDisk.kinds : [.ext4]
    private static let shortCount = 3

    @Test(arguments: kinds, CrashScenario.all)
    func `the power may go anywhere`(_ kind: LoopDisk.Kind, _ scenario: CrashScenario) throws {
        let disk = try PowerCutDisk(kind)
        let url = disk.mountpoint.appendingPathComponent("work")
        let prepared = try scenario.prepare(CrashFolder(making: url))
        try disk.keepAsTemplate()
        func fresh() throws -> CrashFolder {
            try disk.reset()
            return CrashFolder(url)
        }
        let (total, points) = try CrashTests.points(scenario.command, atMost: Self.shortCount, fresh: fresh)
        var cuts = 0
        // After the last point the command ends by itself: all that it said must have been true.
        for point in points + [total + 1] {
            let folder = try fresh()
            let ended = try folder.run(scenario.command, crashAt: point)
            #expect(ended.code == (point > total ? 0 : -9), "\(scenario.name) at point \(point): \(ended.errors)")
            try disk.cutPower(PowerCutDisk.Loss.allCases) { loss in
                cuts += 1
                let place = "\(scenario.name), \(kind), power cut at point \(point) of \(total), lost: \(loss)"
                try scenario.inspect(folder, prepared, ended, place)
            }
        }
        print("\(scenario.name), \(kind): power cut at \(points.count) of \(total) points and at the end, \(cuts) cuts")
        #expect(cuts > 2)
    }
}
