import Foundation
import TestSupport
import Testing

extension CrashScenario {
    static let backingUp =
        [["backup", "backup"], ["backup", "backup", "--hard-links"]].map(backup)
        + [streaming, pruning, restoring("backup"), restoring("backup.tar")]

    /// Goes on beside a generation that is there.
    private static func backup(_ command: [String]) -> CrashScenario {
        CrashScenario(command) { folder in
            let first = try fill(folder)
            try folder.expect(["backup", "backup"])
            try folder.write("in/three", noise(50_000, seed: 7))
            return try first + folder.put("in")
        } inspect: { folder, hashes, ended, place in
            try folder.check(hashes, place)
            let generations = try generations(folder, place)
            #expect(generations.count == 2 || ended.code != 0, "\(place): a generation is lost")
            let first = try #require(generations.first, "\(place)")
            try folder.expect(["restore", "backup", "--generation", first, "--data-root", "old"], place)
            if generations.count == 2 { try folder.expect(["restore", "backup", "--data-root", "new"], place) }
            try folder.expect(command + ["--verify"], place)
            try folder.remove("root")
            try folder.expect(["restore", "backup"], place)
            try folder.check(hashes, "\(place), restored")
            try checkBackupStrays(folder, place)
        }
    }

    /// A stream leaves nothing in the data root, and a stream that is cut is no backup.
    private static let streaming = CrashScenario(["backup", "--to-command", "cat >backup.tar; sync -d backup.tar ."]) {
        folder in
        try fill(folder)
    } inspect: { folder, hashes, ended, place in
        try folder.check(hashes, place)
        try folder.checkStrays(place)
        let restored = try folder.run(["restore", "backup.tar", "--data-root", "new"])
        #expect(ended.code != 0 || restored.code == 0, "\(place): \(restored.errors)")
        #expect([0, 65, 66].contains(restored.code), "\(place): \(restored.errors)")
        #expect(folder.exists("new") == (restored.code == 0), "\(place)")
        if restored.code == 0 { try folder.checkOther("new", hashes, place) }
    }

    private static let pruning = CrashScenario(["backup", "prune", "backup", "--keep-last", "1"]) { folder in
        for number in 0..<3 {
            try folder.write("in/one", noise(20_000 + number, seed: UInt64(number)))
            try folder.put("in")
            try folder.expect(["gc", "--grace", "0"])
            try folder.expect(["backup", "backup"])
        }
        return try folder.put("in")
    } inspect: { folder, hashes, ended, place in
        let left = try generations(folder, place)
        #expect(ended.code == 0 ? left.count == 1 : (1...3).contains(left.count), "\(place): \(left)")
        // What is still listed is still whole.
        for (number, generation) in left.enumerated() {
            let target = ["--data-root", "restored-\(number)"]
            try folder.expect(["restore", "backup", "--generation", generation] + target, place)
        }
        try folder.expect(["backup", "prune", "backup", "--keep-last", "1"], place)
        #expect(try folder.names("backup/blobs") == hashes.map { "\($0).enc" }, "\(place)")
        try folder.remove("root")
        try folder.expect(["restore", "backup"], place)
        try folder.check(hashes, "\(place), restored")
        try checkBackupStrays(folder, place)
    }

    /// Over a store that has gone on since.
    private static func restoring(_ source: String) -> CrashScenario {
        CrashScenario(["restore", source]) { folder in
            let before = try fill(folder)
            try folder.expect(["backup", "backup"])
            try folder.expect(["backup", "--to-command", "cat >backup.tar"])
            try folder.write("in/three", noise(50_000, seed: 7))
            try folder.put("in")
            return before
        } inspect: { folder, before, ended, place in
            try folder.check(before, place)
            let count = try folder.names("root/blobs").count
            #expect(ended.code == 0 ? count == 2 : count == 2 || count == 3, "\(place): \(count) blobs")
            try folder.expect(["restore", source], place)
            try folder.check(before, "\(place), again")
            #expect(try folder.names("root/blobs").count == 2, "\(place)")
            let names = try folder.names("").filter { $0.hasPrefix("root.") && !$0.contains(".before-restore-") }
            // A complete folder is never removed by itself: it may be the only one.
            #expect(names.allSatisfy { $0.hasPrefix("root.restored-") }, "\(place): \(names)")
            try folder.checkStrays(place)
        }
    }

    private static func generations(_ folder: CrashFolder, _ place: String) throws -> [String] {
        let listed = try folder.expect(["backup", "list", "backup", "--json"], place)
        let documents = try #require(listed.json() as? [[String: Any]], "\(place)")
        return documents.compactMap { $0["generation"] as? String }
    }

    private static func checkBackupStrays(_ folder: CrashFolder, _ place: String) throws {
        let paths = try FileManager.default.subpathsOfDirectory(atPath: folder.path("backup"))
        let strays = paths.filter { path in
            let name = (path as NSString).lastPathComponent
            return name.hasPrefix(".") || name.hasSuffix(".new") || name.hasSuffix("-journal")
        }
        #expect(strays.isEmpty, "\(place): \(strays)")
    }
}

extension CrashFolder {
    /// Another data root of the folder is sound and has some contents.
    func checkOther(_ root: String, _ hashes: [String], _ place: String) throws {
        try expect(["verify", "--data-root", root] + Self.unlocking, place)
        for hash in hashes { try expect(["cat", hash, "--data-root", root] + Self.unlocking, place) }
    }
}
