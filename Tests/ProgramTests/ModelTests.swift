import Foundation
import TestSupport
import Testing

/// Random operations on a mounted store, which must be what a simple model of it is after every step.
///
/// 150 steps by default; `OSNOVAFS_MODEL_STEPS=10000` runs the full form, `OSNOVAFS_MODEL_SEED` repeats a run.
@Suite(.serialized, .enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
struct ModelTests {
    /// What the mount should show: contents by path.
    private struct Model {
        var files: [String: Data] = [:]
        var manifests: [String: Data] = [:]
        var hosted: [String: Data] = [:]

        var tree: [String: Data] {
            var tree: [String: Data] = [:]
            for (name, content) in files { tree["files/\(name)"] = content }
            for (id, content) in manifests { tree["components/\(id)/manifest.json"] = content }
            for (path, content) in hosted { tree["components/\(path)"] = content }
            return tree
        }
    }

    private struct Random: RandomNumberGenerator {
        var state: UInt64

        // SplitMix64.
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
            return mixed ^ mixed >> 31
        }
    }

    private final class Run {
        let work: Workspace
        var random: Random
        var model = Model()
        var snapshots: [String: Model] = [:]
        var numbers: [Data: UInt64] = [:]

        init(seed: UInt64) throws {
            work = try Workspace()
            random = Random(state: seed)
            try work.mount()
        }

        func pick(_ names: Int) -> String { "n\(Int.random(in: 0..<names, using: &random))" }

        func content() -> Data { noise(Int.random(in: 0...70_000, using: &random), seed: random.next() % 40) }

        /// Does something; its name.
        func step() throws -> String {
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<25: return try put()
            case 25..<45: return try writeComponent()
            case 45..<55: return try deleteComponent()
            case 55..<75: return try writeHosted()
            case 75..<82: return try removeHosted()
            case 82..<88: return try makeSnapshot()
            case 88..<92: return try deleteSnapshot()
            case 92..<96:
                try work.sqlite("VACUUM")
                return "vacuum"
            default:
                try work.remount()
                return "remount"
            }
        }

        func put() throws -> String {
            let name = pick(12)
            let content = try work.write("source", content())
            try work.put(["source"], options: ["--as", "d/\(name)"])
            model.files["d/\(name)"] = content
            return "put \(name)"
        }

        func writeComponent() throws -> String {
            let id = pick(6)
            let manifest = #"{"v":\#(random.next())}"#
            try work.sqlite(
                """
                INSERT INTO components(component_id, name, version, type, manifest_json, installed_at)
                VALUES ('\(id)', 'n', '1.0.0', 'backend', '\(manifest)', 1)
                ON CONFLICT(component_id) DO UPDATE SET manifest_json = excluded.manifest_json
                """)
            model.manifests[id] = Data(manifest.utf8)
            return "write component \(id)"
        }

        func deleteComponent() throws -> String {
            let id = pick(6)
            try work.sqlite("DELETE FROM components WHERE component_id = '\(id)'")
            model.manifests[id] = nil
            return "delete component \(id)"
        }

        func writeHosted() throws -> String {
            let path = "\(pick(6))/v1.\(Int.random(in: 0..<2, using: &random))/\(pick(3))"
            model.hosted[path] = try work.write("root/components/\(path)", content())
            return "write \(path)"
        }

        func removeHosted() throws -> String {
            let id = pick(6)
            try? FileManager.default.removeItem(at: work.root.appendingPathComponent("components/\(id)"))
            model.hosted = model.hosted.filter { !$0.key.hasPrefix("\(id)/") }
            return "remove the files of \(id)"
        }

        func makeSnapshot() throws -> String {
            let name = pick(3)
            guard snapshots[name] == nil else { return "nothing" }
            try work.expect(0, ["snapshot", "create", name])
            snapshots[name] = model
            return "snapshot \(name)"
        }

        func deleteSnapshot() throws -> String {
            let name = pick(3)
            try work.expect(snapshots[name] == nil ? 66 : 0, ["snapshot", "delete", name])
            snapshots[name] = nil
            return "delete snapshot \(name)"
        }

        /// What differs between the mount and the model; nil where nothing does.
        func difference() throws -> String? {
            let names = try FileManager.default.contentsOfDirectory(atPath: work.mounted(".snapshots").path)
            if Set(names) != Set(snapshots.keys) { return "snapshots are \(names)" }
            for (place, model) in [("", model)] + snapshots.map({ (".snapshots/\($0.key)/", $0.value) }) {
                if let found = try difference(place, model.tree) { return "\(place): \(found)" }
            }
            return nil
        }

        func difference(_ place: String, _ expected: [String: Data]) throws -> String? {
            let listing = try Program.shell(
                "cd './\(place)' && find files components -type f ! -name metadata.json -printf '%i %p\\n'",
                in: work.mountpoint)
            var found: Set<String> = []
            for line in listing.lines {
                let parts = line.split(separator: " ", maxSplits: 1)
                let path = String(parts[1])
                found.insert(path)
                guard let content = expected[path] else { return "\(path) should not be there" }
                guard try Data(contentsOf: work.mounted(place + path)) == content else { return "\(path) is another" }
                // A content has one number for ever, under whatever names and in whatever snapshots.
                guard path.hasPrefix("files/") else { continue }
                let number = UInt64(parts[0]) ?? 0
                guard numbers.updateValue(number, forKey: content) ?? number == number else {
                    return "\(path) has another number"
                }
            }
            return Set(expected.keys).subtracting(found).sorted().first.map { "\($0) is missing" }
        }
    }

    @Test func `after every step the mount is what the model is`() throws {
        let environment = ProcessInfo.processInfo.environment
        let seed = environment["OSNOVAFS_MODEL_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0...UInt64.max)
        let steps = environment["OSNOVAFS_MODEL_STEPS"].flatMap { Int($0) } ?? 150
        let run = try Run(seed: seed)
        for step in 0..<steps {
            let done = try run.step()
            var last: String?
            let agrees = eventually(within: 5) {
                last = try run.difference()
                return last == nil
            }
            try #require(agrees, "OSNOVAFS_MODEL_SEED=\(seed), step \(step), after \(done): \(last ?? "unreadable")")
        }
    }
}
