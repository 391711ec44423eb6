import Foundation
import TestSupport
import Testing

/// A command over a prepared store, and what must hold wherever it was stopped.
struct CrashScenario: Sendable, CustomTestStringConvertible {
    let name: String
    let command: [String]
    /// Fills the folder before the command; what it returns is handed to `inspect`.
    let prepare: @Sendable (CrashFolder) throws -> [String]
    /// Looks at what was left, given what `prepare` returned and how the command ended: killed, or with 0.
    let inspect: @Sendable (CrashFolder, _ prepared: [String], _ ended: Program.Outcome, _ place: String) throws -> Void

    /// - Parameter detail: what tells it from another scenario of the same command.
    init(
        _ command: [String], _ detail: String = "",
        _ prepare: @escaping @Sendable (CrashFolder) throws -> [String],
        inspect: @escaping @Sendable (CrashFolder, [String], Program.Outcome, String) throws -> Void
    ) {
        name =
            command.prefix { !$0.hasPrefix("--password") && !$0.hasPrefix("--phrase") }.joined(separator: " ") + detail
        self.command = command
        self.prepare = prepare
        self.inspect = inspect
    }

    var testDescription: String { name }

    /// All of them; with `$OSNOVAFS_CRASH_SCENARIO` those whose name begins so.
    static let all = everything.filter {
        $0.name.hasPrefix(ProcessInfo.processInfo.environment["OSNOVAFS_CRASH_SCENARIO"] ?? "")
    }

    private static let everything =
        [initialization, verifyRepair, importing, rekeying] + putting + collecting + backingUp + passwords + snapshots
        + installing
        + migrations

    static let unlocking = CrashFolder.unlocking

    /// Two contents, of which the hashes are returned.
    @Sendable static func fill(_ folder: CrashFolder) throws -> [String] {
        try folder.write("in/one", noise(150_000, seed: 1))
        try folder.write("in/two", noise(1000, seed: 2))
        return try folder.put("in")
    }

    // MARK: Contents

    private static let initialization = CrashScenario(["init"] + unlocking) { folder in
        try folder.remove("root")
        return []
    } inspect: { folder, _, ended, place in
        let again = try folder.run(["init"] + unlocking)
        #expect(again.code == 73 || (again.code == 0 && ended.code != 0), "\(place): \(again.errors)")
        try folder.write("x", Data("x".utf8))
        try folder.expect(["put", "x"] + unlocking, place)
        try folder.check([], place)
        try folder.checkStrays(place)
    }

    private static let putting = [[], ["--compress"]].map { options in
        CrashScenario(["put", "-r", "new"] + options + unlocking) { folder in
            let before = try fill(folder)
            try folder.write("new/one", noise(150_000, seed: 1))
            try folder.write("new/three", prose(1_300_000, seed: 3))
            try folder.write("new/four", noise(10, seed: 4))
            return before
        } inspect: { folder, before, ended, place in
            try folder.check(before + CrashFolder.hashes(ended), place)
            let again = try folder.expect(["put", "-r", "new"] + unlocking, place)
            #expect(CrashFolder.hashes(again).count == 3, "\(place)")
            try folder.check(before + CrashFolder.hashes(again), "\(place), again")
            try folder.checkStrays(place)
        }
    }

    private static let verifyRepair = CrashScenario(["verify", "--repair", "--from", "backup"] + unlocking) { folder in
        // Of four blobs one is damaged, one is gone, one has lost its row, and one has a row that is wrong.
        try folder.write("in/three", noise(300_000, seed: 3))
        try folder.write("in/four", noise(2000, seed: 4))
        let hashes = try fill(folder)
        try folder.expect(["backup", "backup"])
        try folder.write("root/blobs/\(hashes[0]).enc", Data("damage".utf8))
        try folder.remove("root/blobs/\(hashes[1]).enc")
        _ = try folder.sqlite("UPDATE blobs SET nonce = zeroblob(12) WHERE sha256 = '\(hashes[2])'")
        return hashes
    } inspect: { folder, hashes, ended, place in
        try folder.expect(["verify", "--repair", "--from", "backup"] + unlocking, "\(place), again")
        try folder.check(hashes, place)
        try folder.checkStrays(place)
        if ended.code == 0 { #expect(!folder.exists("root/quarantine"), "\(place)") }
    }

    /// A view as a backup program gives it back, without a mount.
    private static let importing = CrashScenario(["import", "view", "--data-root", "new"] + unlocking) { folder in
        let hashes = try fill(folder)
        try folder.write("root/components/c/v1.0/data/state", noise(500, seed: 9))
        try folder.write("view/blobs/\(hashes[0])", Data(contentsOf: folder.url.appendingPathComponent("in/one")))
        try folder.write("view/blobs/\(hashes[1])", Data(contentsOf: folder.url.appendingPathComponent("in/two")))
        for name in ["identity", "logs", "components"] {
            try FileManager.default.copyItem(atPath: folder.path("root/\(name)"), toPath: folder.path("view/\(name)"))
        }
        _ = try folder.sqlite("VACUUM INTO '\(folder.path("view/osnova.db"))'")
        return hashes
    } inspect: { folder, hashes, ended, place in
        let again = try folder.run(["import", "view", "--data-root", "new"] + unlocking)
        // An import that was finished is a store like any other.
        #expect(again.code == 0 || (again.code == 73 && !folder.exists("new/.importing")), "\(place): \(again.errors)")
        #expect(ended.code != 0 || again.code == 73, "\(place): a finished import was begun again")
        try folder.remove("root")
        try FileManager.default.moveItem(atPath: folder.path("new"), toPath: folder.path("root"))
        try folder.check(hashes, place)
        let state = try Data(contentsOf: folder.url.appendingPathComponent("root/components/c/v1.0/data/state"))
        #expect(state == noise(500, seed: 9), "\(place)")
        try folder.checkStrays(place)
    }

    // MARK: Removing

    private static let collecting = [["gc", "--grace", "0"], ["cache", "evict", "--max-size", "0"]].map { command in
        CrashScenario(command) { folder in
            _ = try fill(folder)
            try folder.write("in/one", noise(90_000, seed: 5))
            let after = try folder.put("in")
            try folder.write("cached", noise(5000, seed: 6))
            try folder.expect(["cache", "put", "ant://x", "cached"] + unlocking)
            return after
        } inspect: { folder, after, _, place in
            try folder.check(after, place)
            try folder.expect(command, place)
            try folder.expect(["gc", "--grace", "0"], place)
            try folder.check(after, "\(place), again")
            let left = try folder.names("root/blobs")
            #expect(left.count == (command[0] == "gc" ? 3 : 2), "\(place): \(left)")
            try folder.checkStrays(place)
        }
    }

    // MARK: Secrets

    /// A store with a password, and a file with another one.
    @Sendable private static func fillWithPassword(_ folder: CrashFolder) throws -> [String] {
        let hashes = try fill(folder)
        try folder.write("old", Data("old password".utf8))
        try folder.write("new", Data("new password".utf8))
        try folder.expect(["password", "reset", "--new-password-file", "old"] + unlocking)
        return hashes
    }

    /// One of the two passwords opens the store, the new one if the command ended.
    private static func openedBy(_ folder: CrashFolder, _ ended: Program.Outcome, _ place: String) throws -> String {
        let opened = try ["old", "new"].filter { try folder.run(["unlock", "--password-file", $0]).code == 0 }
        #expect(opened.count == 1 && (ended.code != 0 || opened == ["new"]), "\(place): \(opened)")
        return opened.first ?? "old"
    }

    private static let passwords = [
        CrashScenario(
            ["password", "change", "--password-file", "old", "--new-password-file", "new"], "", fillWithPassword
        ) { folder, hashes, ended, place in
            let opened = try openedBy(folder, ended, place)
            let change = ["password", "change", "--password-file", opened, "--new-password-file", "new"]
            try folder.expect(change, place)
            #expect(try folder.names("root/identity/default") == ["keys.cocoon"], "\(place)")
            try folder.check(hashes, place)
            try folder.checkStrays(place)
        },
        CrashScenario(["password", "reset", "--new-password-file", "new"] + unlocking, "", fillWithPassword) {
            folder, hashes, ended, place in
            _ = try openedBy(folder, ended, place)
            try folder.expect(["password", "reset", "--new-password-file", "new"] + unlocking, place)
            try folder.expect(["unlock", "--password-file", "new"], place)
            // What was replaced is kept on purpose.
            let names = try folder.names("root/identity/default")
            #expect(
                names.allSatisfy { $0 == "keys.cocoon" || $0.hasPrefix("keys.cocoon.replaced-") }, "\(place): \(names)")
            try folder.check(hashes, place)
            try folder.checkStrays(place)
        },
    ]

    // MARK: Rows

    private static let snapshots = [
        CrashScenario(["snapshot", "create", "then"]) { folder in
            try folder.write("root/components/c/v1.0/data/state", noise(500, seed: 9))
            return try fill(folder)
        } inspect: { folder, hashes, ended, place in
            try folder.check(hashes, place)
            let isThere = try folder.expect(["snapshot", "list"], place).text.contains("then")
            #expect(isThere || ended.code != 0, "\(place)")
            if !isThere { try folder.expect(["snapshot", "create", "then"], place) }
            try checkSnapshot(folder, place)
            try folder.check(hashes, place)
            try folder.checkStrays(place)
        },
        CrashScenario(["snapshot", "delete", "then"]) { folder in
            try folder.write("root/components/c/v1.0/data/state", noise(500, seed: 9))
            let hashes = try fill(folder)
            try folder.expect(["snapshot", "create", "then"])
            return hashes
        } inspect: { folder, hashes, ended, place in
            try folder.check(hashes, place)
            if try folder.expect(["snapshot", "list"], place).text.contains("then") {
                #expect(ended.code != 0, "\(place)")
                try checkSnapshot(folder, place)
                try folder.expect(["snapshot", "delete", "then"], place)
            }
            try folder.check(hashes, place)
            try folder.checkStrays(place)
        },
    ]

    /// A snapshot that is listed has its files.
    private static func checkSnapshot(_ folder: CrashFolder, _ place: String) throws {
        let own = "root/snapshots/" + (try folder.sqlite("SELECT folder FROM snapshots"))
        let state = try? Data(contentsOf: folder.url.appendingPathComponent("\(own)/components/c/v1.0/data/state"))
        #expect(state == noise(500, seed: 9), "\(place)")
        let check = try Program.run("/usr/bin/sqlite3", [folder.path("\(own)/osnova.db"), "PRAGMA integrity_check"])
        #expect(check.text == "ok\n", "\(place): \(check.text) \(check.errors)")
    }

    private static let manifest = Data(#"{"id":"org.x","name":"X","version":"1.0.0","kind":"backend"}"#.utf8)

    private static let installing = [
        CrashScenario(["component", "install", "manifest.json", "--artifact", "artifact"] + unlocking) { folder in
            try folder.write("manifest.json", manifest)
            try folder.write("artifact", noise(80_000, seed: 7))
            return try fill(folder)
        } inspect: { folder, hashes, ended, place in
            try folder.check(hashes, place)
            let components = try folder.sqlite("SELECT count(*) FROM components")
            let cached = try folder.sqlite("SELECT count(*) FROM autonomi_cache")
            #expect(components == cached, "\(place): \(components) components, \(cached) artifacts")
            #expect(ended.code != 0 || components == "1", "\(place)")
            try folder.expect(["component", "install", "manifest.json", "--artifact", "artifact"] + unlocking, place)
            try folder.expect(["component", "show", "org.x"], place)
            try folder.check(hashes, place)
            try folder.checkStrays(place)
        },
        CrashScenario(["component", "remove", "org.x"]) { folder in
            try folder.write("manifest.json", manifest)
            try folder.write("artifact", noise(80_000, seed: 7))
            let hashes = try fill(folder)
            try folder.expect(["component", "install", "manifest.json", "--artifact", "artifact"] + unlocking)
            return hashes
        } inspect: { folder, hashes, ended, place in
            try folder.check(hashes, place)
            let shown = try folder.run(["component", "show", "org.x"])
            #expect(shown.code == 66 || (shown.code == 0 && ended.code != 0), "\(place): \(shown.errors)")
            if shown.code == 0 { try folder.expect(["component", "remove", "org.x"], place) }
            try folder.check(hashes, place)
            try folder.checkStrays(place)
        },
    ]

    private static let migrations = ["version-1.db", "version-2.db"].map { fixture in
        CrashScenario(["list", "components"], " of \(fixture)") { folder in
            for name in ["osnova.db", "osnova.db-wal", "osnova.db-shm"] where folder.exists("root/\(name)") {
                try folder.remove("root/\(name)")
            }
            try FileManager.default.copyItem(
                at: Fixtures.url("databases/\(fixture)"), to: folder.url.appendingPathComponent("root/osnova.db"))
            return try rows(folder)
        } inspect: { folder, before, _, place in
            try folder.expect(["list", "components"], place)
            #expect(try rows(folder) == before, "\(place)")
            #expect(try folder.sqlite("PRAGMA integrity_check") == "ok", "\(place)")
            let newest = try folder.sqlite("SELECT max(version) FROM schema_version")
            #expect(try folder.sqlite("SELECT value FROM store WHERE key = 'schema_version'") == newest, "\(place)")
            // A migration that goes on makes a copy of its own.
            let copies = try folder.names("root").filter { $0.hasPrefix("osnova.db.before-v") }
            #expect((1...2).contains(copies.count), "\(place): \(copies)")
            for copy in copies {
                let check = try Program.run(
                    "/usr/bin/sqlite3", [folder.path("root/\(copy)"), "PRAGMA integrity_check"])
                #expect(check.text == "ok\n", "\(place): \(copy): \(check.text) \(check.errors)")
            }
            try folder.checkStrays(place)
        }
    }

    /// Every row of the seed's tables.
    @Sendable private static func rows(_ folder: CrashFolder) throws -> [String] {
        let tables = [
            "components", "applications", "component_registry", "keys_metadata", "wallet_transactions",
            "autonomi_cache", "user_preferences",
        ]
        return try tables.map { try folder.sqlite("SELECT * FROM \($0) ORDER BY 1") }
    }
}
