import Foundation
import TestSupport
import Testing

/// The program is killed at each point at which it changes the disk, and the store is sound afterwards.
///
/// `OSNOVAFS_CRASH_TEST=full swift test --filter CrashTests` tries every point; else some of each command are tried.
@Suite(.serialized) struct CrashTests {
    private static let isFull = ProcessInfo.processInfo.environment["OSNOVAFS_CRASH_TEST"] == "full"
    private static let shortCount = 10

    /// A prepared folder, of which each trial gets a copy.
    private final class Template {
        let work: Workspace
        init() throws { work = try Workspace() }

        /// A copy, in which `root` is the data root.
        func copy() throws -> URL {
            let copy = work.folder.appendingPathComponent("trial")
            try? FileManager.default.removeItem(at: copy)
            try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: true)
            for name in try FileManager.default.contentsOfDirectory(atPath: work.folder.path) where name != "trial" {
                try FileManager.default.copyItem(
                    at: work.folder.appendingPathComponent(name), to: copy.appendingPathComponent(name))
            }
            return copy
        }
    }

    @discardableResult
    private func run(_ folder: URL, _ arguments: [String], crashAt point: Int? = nil) throws -> Program.Outcome {
        var environment = ["OSNOVA_DATA_ROOT": folder.appendingPathComponent("root").path]
        if let point { environment["OSNOVAFS_CRASH_AT"] = "\(point)" }
        return try Program.run(Program.path, arguments, in: folder, environment: environment)
    }

    private let unlocking = ["--phrase-file", "phrase"]

    /// Kills a command at its points, one after another, and looks at what is left each time.
    private func killEverywhere(
        _ label: String, _ template: Template, _ command: [String],
        _ inspect: (_ folder: URL, _ killed: Program.Outcome, _ point: Int) throws -> Void
    ) throws {
        let total = try numberOfPoints(template, command)
        let step = Self.isFull ? 1 : max(1, total / Self.shortCount)
        var tried = 0
        // The last point is always among them.
        for point in Set(stride(from: 1, through: total, by: step)).union([total]).sorted() {
            let folder = try template.copy()
            let outcome = try run(folder, command, crashAt: point)
            #expect(outcome.code == -9, "\(label) at point \(point) of \(total): \(outcome.errors)")
            try inspect(folder, outcome, point)
            tried += 1
        }
        print("\(label): killed at \(tried) of \(total) points")
        #expect(tried > 2)
    }

    /// The least number of a point that is never reached, by halving.
    private func numberOfPoints(_ template: Template, _ command: [String]) throws -> Int {
        func isReached(_ point: Int) throws -> Bool { try run(template.copy(), command, crashAt: point).code == -9 }
        var high = 1
        while try isReached(high) { high *= 2 }
        var low = high / 2
        while high - low > 1 {
            let middle = (low + high) / 2
            if try isReached(middle) { low = middle } else { high = middle }
        }
        return low
    }

    /// The store is sound, and what was in it is.
    private func check(_ folder: URL, _ hashes: [String], _ place: String, by opening: [String]? = nil) throws {
        let unlocking = opening ?? self.unlocking
        let verified = try run(folder, ["verify", "--json"] + unlocking)
        #expect(verified.code == 0, "\(place): \(verified.text) \(verified.errors)")
        for hash in hashes {
            #expect(try run(folder, ["cat", hash] + unlocking).code == 0, "\(place): \(hash) is lost")
        }
    }

    private func hashes(_ outcome: Program.Outcome) -> [String] { outcome.lines.map { String($0.prefix(64)) } }

    private func strays(_ folder: URL, _ path: String) throws -> [String] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent(path).path)
        return names.filter { $0.hasPrefix(".") }
    }

    private func filled() throws -> (Template, [String]) {
        let template = try Template()
        try template.work.write("in/one", noise(150_000, seed: 1))
        try template.work.write("in/two", noise(1000, seed: 2))
        return (template, hashes(try template.work.put(["in"], options: ["-r"])))
    }

    @Test func `init leaves a data root, or nothing that keeps the next from making one`() throws {
        let template = try Template()
        try FileManager.default.removeItem(at: template.work.root)
        try killEverywhere("init", template, ["init"] + unlocking) { folder, _, point in
            let again = try run(folder, ["init"] + unlocking)
            #expect(again.code == 0 || again.code == 73, "point \(point): \(again.errors)")
            try Data("x".utf8).write(to: folder.appendingPathComponent("x"))
            #expect(try run(folder, ["put", "x"] + unlocking).code == 0, "point \(point)")
            try check(folder, [], "point \(point)")
        }
    }

    @Test(arguments: [[], ["--compress"]])
    func `put loses nothing that it acknowledged`(options: [String]) throws {
        let (template, before) = try filled()
        try template.work.write("new/one", noise(150_000, seed: 1))
        try template.work.write("new/three", prose(1_300_000, seed: 3))
        try template.work.write("new/four", noise(10, seed: 4))
        try killEverywhere("put", template, ["put", "-r", "new"] + options + unlocking) { folder, killed, point in
            try check(folder, before + hashes(killed), "point \(point)")
            let again = try run(folder, ["put", "-r", "new"] + unlocking)
            #expect(again.code == 0 && hashes(again).count == 3, "point \(point): \(again.errors)")
            try check(folder, before + hashes(again), "point \(point), again")
            #expect(try strays(folder, "root/blobs").isEmpty, "point \(point)")
        }
    }

    @Test func `gc and eviction leave no row without its file`() throws {
        let (template, before) = try filled()
        try template.work.write("in/one", noise(90_000, seed: 5))
        let after = hashes(try template.work.put(["in"], options: ["-r"]))
        try template.work.write("cached", noise(5000, seed: 6))
        try template.work.expect(0, ["cache", "put", "ant://x", "cached"] + template.work.unlocking)
        #expect(Set(before).subtracting(after).count == 1)
        for command in [["gc", "--grace", "0"], ["cache", "evict", "--max-size", "0"]] {
            try killEverywhere(command.joined(separator: " "), template, command) { folder, _, point in
                try check(folder, after, "point \(point)")
                #expect(try run(folder, command).code == 0, "point \(point)")
                #expect(try run(folder, ["gc", "--grace", "0"]).code == 0, "point \(point)")
                try check(folder, after, "point \(point), again")
                let left = try FileManager.default.contentsOfDirectory(
                    atPath: folder.appendingPathComponent("root/blobs").path)
                #expect(left.count == (command[0] == "gc" ? 3 : 2), "point \(point): \(left)")
            }
        }
    }

    @Test func `rekey leaves every content to either phrase, and goes on`() throws {
        var (template, before) = try filled()
        try template.work.write("text", prose(1_300_000, seed: 3))
        before += hashes(try template.work.put(["text"], options: ["--compress"]))
        try template.work.write("new", Data(Workspace.otherWords.utf8))
        try template.work.write("password", Data("secret".utf8))
        try Program.shell("chmod 600 password", in: template.work.folder)
        try template.work.expect(0, ["password", "reset", "--new-password-file", "password"] + unlocking)
        try template.work.expect(0, ["key", "derive", "com.a", "--password-file", "password"])
        let rekey = ["rekey", "--password-file", "password", "--new-phrase-file", "new"]
        try killEverywhere("rekey", template, rekey) { folder, _, point in
            let byNew = try run(folder, ["unlock", "--phrase-file", "new"]).code == 0
            let byOld = try run(folder, ["unlock"] + unlocking).code == 0
            #expect(byNew || byOld, "point \(point)")
            let opening = byOld ? unlocking : ["--phrase-file", "new"]
            try check(folder, before, "point \(point)", by: opening)
            try Data("x\(point)".utf8).write(to: folder.appendingPathComponent("x"))
            let put = try run(folder, ["put", "x", "--password-file", "password"])
            #expect(put.code == 0, "point \(point): \(put.errors)")
            // One that had ended before it was killed need not go on.
            let again = try run(folder, rekey)
            #expect(again.code == (byOld ? 0 : 64), "point \(point): \(again.errors)")
            #expect(try run(folder, ["unlock"] + unlocking).code == 77, "point \(point)")
            for opening in [["--phrase-file", "new"], ["--password-file", "password"]] {
                try check(folder, before + hashes(put), "point \(point), again", by: opening)
            }
            let key = try #require(try run(folder, ["key", "list"]).lines.last?.split(separator: " ").last)
            let shown = try run(folder, ["key", "show", String(key), "--secret", "--password-file", "password"])
            #expect(shown.code == 0, "point \(point): \(shown.errors)")
            #expect(try strays(folder, "root/blobs").isEmpty, "point \(point)")
        }
    }

    @Test func `backup leaves its earlier generations whole and goes on`() throws {
        let (template, _) = try filled()
        try template.work.expect(0, ["backup", "backup"])
        try template.work.write("in/three", noise(50_000, seed: 7))
        let after = hashes(try template.work.put(["in"], options: ["-r"]))
        try killEverywhere("backup", template, ["backup", "backup"]) { folder, _, point in
            try check(folder, after, "point \(point)")
            let listed = try #require(
                try run(folder, ["backup", "list", "backup", "--json"]).json() as? [[String: Any]])
            let first = try #require(listed.first?["generation"] as? String)
            let old = ["restore", "backup", "--generation", first, "--data-root", "old"]
            #expect(try run(folder, old).code == 0, "point \(point)")
            #expect(try run(folder, ["backup", "backup", "--verify"]).code == 0, "point \(point)")
            try FileManager.default.removeItem(at: folder.appendingPathComponent("root"))
            #expect(try run(folder, ["restore", "backup"]).code == 0, "point \(point)")
            try check(folder, after, "point \(point), restored")
            #expect(try strays(folder, "backup/blobs").isEmpty && strays(folder, "backup/databases").isEmpty)
        }
    }

    @Test func `restore leaves the old data root or the new one, whole`() throws {
        let (template, before) = try filled()
        try template.work.expect(0, ["backup", "backup"])
        try template.work.write("in/three", noise(50_000, seed: 7))
        try template.work.put(["in"], options: ["-r"])
        try killEverywhere("restore", template, ["restore", "backup"]) { folder, _, point in
            try check(folder, before, "point \(point)")
            #expect(try run(folder, ["restore", "backup"]).code == 0, "point \(point)")
            try check(folder, before, "point \(point), again")
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(!names.contains { $0.hasPrefix("root.restoring-") }, "point \(point): \(names)")
        }
    }
}
