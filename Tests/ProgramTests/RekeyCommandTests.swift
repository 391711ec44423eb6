import Foundation
import TestSupport
import Testing

/// `osnovafs rekey` as a person gives it.
@Suite struct RekeyCommandTests {
    /// A workspace with some contents, and another phrase in the file `new`.
    private func filled(initialize: Bool = true) throws -> (Workspace, [String]) {
        let work = try Workspace()
        try work.write("new", Data(Workspace.otherWords.utf8))
        for (index, size) in [0, 1, 65_536, 200_000].enumerated() {
            try work.write("in/f\(index)", noise(size, seed: UInt64(index)))
        }
        return (work, try work.put(["in"], options: ["-r"]).lines.map { String($0.prefix(64)) })
    }

    private let byNew = ["--phrase-file", "new"]
    private let toNew = ["--new-phrase-file", "new"]

    private func object(_ outcome: Program.Outcome) throws -> [String: Any] {
        try #require(try outcome.json() as? [String: Any])
    }

    /// How many of the sealed files a fresh store of a phrase opens: nothing but the files and the phrase counts.
    private func opened(_ work: Workspace, by phrase: String) throws -> Int {
        try Program.shell(
            """
            rm -rf other; OSNOVA_DATA_ROOT=other '\(Program.path)' init --phrase-file \(phrase) 2>&1 &&
            cp root/blobs/*.enc other/blobs/
            """, in: work.folder)
        let verified = try work.run(["verify", "--json", "--data-root", "other", "--phrase-file", phrase])
        return try object(verified)["ok"] as? Int ?? -1
    }

    /// Kills a rekey of the four contents when two new files have their names and no row knows of it.
    private func interrupt(_ work: Workspace, _ arguments: [String]) throws {
        // Writing a new phrase to a file takes three operations more.
        let point = arguments.contains("--phrase-out") ? 30 : 27
        let killed = try work.run(arguments, environment: ["OSNOVAFS_CRASH_AT": "\(point)"])
        #expect(killed.code == -9, "\(killed.errors)")
        #expect(try work.sqlite("SELECT count(*), (SELECT count(*) FROM blob_generations) FROM rekey") == "2|0")
    }

    @Test func `the new phrase opens everything, the old one is refused by everything`() throws {
        let (work, hashes) = try filled()
        #expect(try opened(work, by: "phrase") == 4)
        let told = try object(work.expect(0, ["rekey", "--json"] + toNew + work.unlocking))
        #expect(told["finished"] as? Bool == true && told["sealed"] as? Int == 4 && told["already_sealed"] as? Int == 0)
        #expect(try opened(work, by: "phrase") == 0)
        #expect(try opened(work, by: "new") == 4)
        let commands = [
            ["put", "in/f1"], ["cat", hashes[0]], ["verify"], ["unlock"], ["mount", work.mountpoint.path],
            ["rekey"] + toNew,
            ["password", "reset", "--new-password-file", "new"],
        ]
        for command in commands { try work.expect(77, command + work.unlocking) }
        let report = try object(work.expect(0, ["verify", "--json"] + byNew))
        #expect(report["ok"] as? Int == 4)
        for (index, hash) in hashes.sorted().enumerated() {
            #expect(try work.expect(0, ["cat", hash] + byNew).code == 0, "\(index)")
        }
        try work.expect(64, ["rekey"] + toNew + byNew)
    }

    @Test func `a phrase that is made is shown once, or written to a new file`() throws {
        let (work, _) = try filled()
        let shown = try work.expect(0, ["rekey"] + work.unlocking)
        let words = try #require(shown.errors.split(separator: "\n").first { $0.hasPrefix("    ") })
        #expect(words.split(separator: " ").count == 12 && !shown.text.contains(words.dropFirst(4)))
        try work.write("shown", Data(words.utf8))
        try work.expect(73, ["rekey", "--phrase-file", "shown", "--phrase-out", "new"])
        try work.expect(73, ["rekey", "--phrase-file", "shown", "--phrase-out", "out/"])
        let written = try work.expect(0, ["rekey", "--phrase-file", "shown", "--phrase-out", "out", "--words", "24"])
        let out = try String(contentsOf: work.folder.appendingPathComponent("out"), encoding: .utf8)
        #expect(out.split(separator: " ").count == 24 && !written.errors.contains(out.prefix(20)))
        #expect(try Program.shell("stat -c %a out", in: work.folder).text == "600\n")
        try work.expect(77, ["verify", "--phrase-file", "shown"])
        try work.expect(0, ["verify", "--phrase-file", "out"])
        for bad in [["--words", "13"], ["--phrase-out", "x"] + toNew, ["--undo"] + toNew] {
            try work.expect(64, ["rekey", "--phrase-file", "out"] + bad)
        }
        try work.expect(64, ["rekey", "--undo", "--phrase-file", "out"])
    }

    @Test func `an interrupted one leaves both phrases, and goes on when it sees the new one`() throws {
        let (work, hashes) = try filled()
        try interrupt(work, ["rekey", "--phrase-out", "out"] + work.unlocking)
        for opening in [work.unlocking, ["--phrase-file", "out"]] {
            try work.expect(0, ["verify"] + opening)
            try work.expect(0, ["cat", hashes[3]] + opening)
        }
        try work.expect(75, ["snapshot", "create", "s"])
        try work.expect(64, ["rekey"] + toNew + work.unlocking)
        // Nobody can be asked here, and the old phrase must not go before the new one is at hand.
        #expect(try work.expect(77, ["rekey"] + work.unlocking).errors.contains("--new-phrase-file"))
        try work.expect(0, ["rekey", "--phrase-out", "out"] + work.unlocking)
        try work.expect(77, ["unlock"] + work.unlocking)
        try work.expect(0, ["verify", "--phrase-file", "out"])
        // The new phrase alone goes on as well.
        try interrupt(work, ["rekey", "--phrase-file", "out"] + toNew)
        try work.expect(0, ["rekey"] + byNew)
        try work.expect(77, ["unlock", "--phrase-file", "out"])
    }

    @Test func `an interrupted one is taken back by the old phrase`() throws {
        let (work, _) = try filled()
        try interrupt(work, ["rekey"] + toNew + work.unlocking)
        try work.expect(77, ["rekey", "--undo"] + byNew)
        let told = try object(work.expect(0, ["rekey", "--undo", "--json"] + work.unlocking))
        #expect(told["undone"] as? Bool == true)
        try work.expect(77, ["unlock"] + byNew)
        #expect(try opened(work, by: "phrase") == 4)
        try work.expect(0, ["rekey"] + toNew + work.unlocking)
    }

    @Test func `a backup of a half rekeyed store is restored and finished; one of before keeps its phrase`() throws {
        let (work, hashes) = try filled()
        try work.expect(0, ["backup", "before"])
        try interrupt(work, ["rekey"] + toNew + work.unlocking)
        try work.expect(0, ["backup", "half"])
        // Into the backup of before as well: each sealing has its place.
        try work.expect(0, ["backup", "before"])
        try work.expect(0, ["rekey"] + toNew + work.unlocking)
        #expect(try work.expect(77, ["backup", "before"]).errors.contains("name another directory"))
        let after = try object(work.expect(0, ["backup", "after", "--json"]))
        #expect(after["blobs"] as? Int == 4)
        for source in ["half", "before"] {
            try work.expect(0, ["restore", source, "--data-root", "r-\(source)"])
            let root = ["--data-root", "r-\(source)"]
            try work.expect(0, ["verify"] + root + work.unlocking)
            try work.expect(0, ["rekey"] + root + toNew + work.unlocking)
            try work.expect(0, ["verify"] + root + byNew)
        }
        let first = try #require(
            (try work.expect(0, ["backup", "list", "before", "--json"]).json() as? [[String: Any]])?.first)
        let generation = try #require(first["generation"] as? String)
        try work.expect(0, ["restore", "before", "--generation", generation, "--data-root", "r-old"])
        try work.expect(77, ["unlock", "--data-root", "r-old"] + byNew)
        #expect(try work.expect(0, ["cat", hashes[0], "--data-root", "r-old"] + work.unlocking).code == 0)
        try work.expect(0, ["restore", "after", "--data-root", "r-after"])
        try work.expect(0, ["verify", "--data-root", "r-after"] + byNew)
    }

    @Test func `damage is named, and the old phrase stays until it is gone`() throws {
        let (work, hashes) = try filled()
        var bytes = try Data(contentsOf: work.sealedFile(hashes[3]))
        bytes[500] ^= 4
        try bytes.write(to: work.sealedFile(hashes[3]))
        let told = try work.expect(65, ["rekey", "--json"] + toNew + work.unlocking)
        let report = try object(told)
        #expect((report["damaged"] as? [[String: String]])?.map { $0["sha256"] } == [hashes[3]])
        #expect(report["finished"] as? Bool == false && report["sealed"] as? Int == 3)
        #expect(told.errors.contains("verify --repair") && told.errors.contains("gc --grace 0"))
        try work.expect(0, ["unlock"] + work.unlocking)
        try work.expect(0, ["file", "remove", "in/f3"])
        try work.expect(0, ["gc", "--grace", "0"])
        try work.expect(0, ["rekey"] + toNew + work.unlocking)
        try work.expect(77, ["unlock"] + work.unlocking)
    }

    // MARK: Passwords

    @Test func `a password opens as before, and a component's secret stays what it is`() throws {
        let work = try PasswordTests.workspace()
        try work.write("phrase2", Data(Workspace.otherWords.utf8))
        let byPassword = ["--password-file", "password"]
        let hash = String(try work.expect(0, ["put", "f"] + byPassword).text.prefix(64))
        let keys = try ["ed25519", "x25519", "secp256k1"].map { type in
            String(try work.expect(0, ["key", "derive", "com.a", "--type", type] + byPassword).text.dropLast())
        }
        func secrets() throws -> [String] {
            try keys.map { try work.expect(0, ["key", "show", $0, "--secret"] + byPassword).text }
        }
        let before = try secrets()
        // The phrase alone would leave a password that opens nothing.
        try work.expect(77, ["rekey", "--new-phrase-file", "phrase2"] + work.unlocking)
        try work.expect(0, ["rekey", "--new-phrase-file", "phrase2"] + byPassword)
        #expect(try work.expect(0, ["cat", hash] + byPassword).text == "content")
        #expect(try secrets() == before)
        try work.expect(77, ["unlock"] + work.unlocking)
        // Both of the store's secrets, the phrase first.
        try work.expect(0, ["rekey", "--new-phrase-file", "phrase", "--phrase-file", "phrase2"] + byPassword)
        #expect(try work.expect(0, ["cat", hash] + byPassword).text == "content")
        try work.expect(0, ["rekey", "--new-phrase-file", "phrase2"] + byPassword)
        // A lost password: the new phrase brings the pairs of the old one back.
        let reset = try work.expect(
            0, ["password", "reset", "--phrase-file", "phrase2", "--new-password-file", "password", "--json"])
        #expect(try object(reset)["keys"] as? Int == 3 && object(reset)["foreign_keys"] as? Int == 0)
        #expect(try secrets() == before)
    }

    @Test func `each user's password is asked for, or left out plainly`() throws {
        let work = try PasswordTests.workspace()
        try work.write("phrase2", Data(Workspace.otherWords.utf8))
        try work.expect(
            0, ["password", "reset", "--user", "bob", "--new-password-file", "new"] + work.unlocking)
        let rekey = ["rekey", "--new-phrase-file", "phrase2", "--password-file", "password"]
        #expect(try work.expect(77, rekey).errors.contains("bob"))
        try work.expect(77, rekey + ["--vault", "bob=password"])
        try work.expect(64, rekey + ["--vault", "bob"])
        try work.expect(66, rekey + ["--vault", "eve=password"])
        let told = try object(work.expect(0, rekey + ["--vault", "bob=new", "--json"]))
        #expect(Set(try #require(told["users"] as? [String])) == ["bob", "default"])
        try work.expect(0, ["unlock", "--user", "bob", "--password-file", "new"])
        let back = ["rekey", "--new-phrase-file", "phrase", "--password-file", "password", "--leave-vaults"]
        #expect(try work.expect(0, back).errors.contains("password reset --user"))
        try work.expect(0, ["unlock", "--password-file", "password"])
        try work.expect(77, ["unlock", "--user", "bob", "--password-file", "new"])
        try work.expect(0, ["password", "reset", "--user", "bob", "--new-password-file", "new"] + work.unlocking)
        try work.expect(0, ["unlock", "--user", "bob", "--password-file", "new"])
    }

    @Test func `a view that was copied meanwhile is imported by either phrase`() throws {
        guard Fuse.isTested else { return }
        let (work, hashes) = try filled()
        try interrupt(work, ["rekey"] + toNew + work.unlocking)
        try work.mount()
        try Program.shell("cp -r mnt view", in: work.folder)
        try work.unmount()
        for (name, opening) in [("old", work.unlocking), ("new", byNew)] {
            try work.expect(0, ["import", "view", "--data-root", "i-\(name)"] + opening)
            try work.expect(0, ["verify", "--data-root", "i-\(name)"] + opening)
            try work.expect(0, ["cat", hashes[3], "--data-root", "i-\(name)"] + opening)
            try work.expect(0, ["rekey", "--data-root", "i-\(name)"] + toNew + opening)
        }
    }
}
