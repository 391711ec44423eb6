import Foundation
import TestSupport
import Testing

/// A store with a password, and every way to give it.
@Suite struct PasswordTests {
    static let password = "correct horse 12 Ž"

    /// A workspace whose default user has the password, in a file that only its owner reads.
    static func workspace() throws -> Workspace {
        let work = try Workspace(initialize: false)
        try work.write("password", Data((password + "\n").utf8))
        try work.write("new", Data("another one".utf8))
        try Program.shell("chmod 600 password new", in: work.folder)
        try work.expect(0, ["init", "--password-file", "password"] + work.unlocking)
        try work.write("f", Data("content".utf8))
        return work
    }

    private func vault(_ work: Workspace, user: String = "default") throws -> Data {
        try Data(contentsOf: work.root.appendingPathComponent("identity/\(user)/keys.cocoon"))
    }

    @Test func `every source of a password opens the store`() throws {
        let work = try Self.workspace()
        try Program.shell("mkdir cred; cp password cred/osnovafs.password", in: work.folder)
        try work.expect(0, ["put", "f", "--password-file", "password"])
        try work.expect(0, ["put", "f", "--password-command", "cat password"])
        let credentials = work.folder.appendingPathComponent("cred").path
        for environment in [
            ["OSNOVA_PASSWORD_FILE": "password"], ["OSNOVA_PASSWORD_COMMAND": "cat password"],
            ["OSNOVA_PASSWORD": Self.password], ["CREDENTIALS_DIRECTORY": credentials],
        ] {
            try work.expect(0, ["put", "f"], environment: environment)
        }
        let piped = try Program.shell(
            "OSNOVA_DATA_ROOT=root '\(Program.path)' put f --password-fd 7 7<password", in: work.folder)
        #expect(piped.code == 0, "\(piped.errors)")
    }

    @Test func `the first source that is given counts, and a wrong one is not made good by another`() throws {
        let work = try Self.workspace()
        let right = ["OSNOVA_PASSWORD": Self.password, "OSNOVA_PASSWORD_FILE": "password"]
        try work.expect(77, ["put", "f", "--password-file", "new"], environment: right)
        try work.expect(77, ["put", "f", "--password-command", "cat new"], environment: right)
        try work.expect(
            77, ["put", "f"], environment: ["OSNOVA_PASSWORD": Self.password, "OSNOVA_PASSWORD_FILE": "new"])
        try work.expect(
            0, ["put", "f", "--password-file", "password", "--password-command", "cat new", "--password-fd", "99"],
            environment: ["OSNOVA_PASSWORD": "wrong"])
        try work.expect(0, ["put", "f", "--password-file", "new"] + work.unlocking)
    }

    @Test func `a store is mounted by a password alone, by the command and by mount(8)'s helper`() throws {
        guard Fuse.isTested else { return }
        let work = try Self.workspace()
        try work.expect(0, ["put", "f"], environment: ["OSNOVA_PASSWORD": Self.password])
        try work.expect(0, ["mount", work.mountpoint.path, "--password-file", "password"])
        #expect(try Data(contentsOf: work.mounted("files/f")) == Data("content".utf8))
        try work.unmount()
        let helper = Program.repository.appendingPathComponent("mount-helpers/mount.osnovafs").path
        let file = work.folder.appendingPathComponent("password").path
        for option in ["password-file=\(file),identity=default", "nofail,password-command=cat '\(file)'"] {
            let mounted = try Program.run(
                helper, [work.root.path, work.mountpoint.path, "-o", option], environment: ["OSNOVAFS": Program.path])
            #expect(mounted.code == 0, "\(option): \(mounted.errors)")
            #expect(try Data(contentsOf: work.mounted("files/f")) == Data("content".utf8))
            try work.unmount()
        }
        try work.expect(77, ["mount", work.mountpoint.path, "--password-file", "new"])
        #expect(try Program.shell("findmnt \(work.mountpoint.path)").code != 0)
    }

    @Test func `a changed password opens, the old one does not, and no blob was touched`() throws {
        let work = try Self.workspace()
        try work.expect(0, ["put", "f", "--password-file", "password"])
        let look = "sha256sum root/blobs/*; stat -c '%n %i %y %z' root/blobs/*"
        let before = try Program.shell(look, in: work.folder).text
        let changed = try work.expect(
            0, ["password", "change", "--password-file", "password", "--new-password-file", "new", "--json"])
        #expect(try changed.json() as? [String: String] == ["user": "default"])
        try work.expect(77, ["put", "f", "--password-file", "password"])
        let hash = String(try work.expect(0, ["put", "f", "--password-file", "new"]).text.prefix(64))
        #expect(try work.expect(0, ["cat", hash, "--password-file", "new"]).text == "content")
        #expect(try Program.shell(look, in: work.folder).text == before)
    }

    @Test func `the phrase brings everything back when the vault is lost`() throws {
        let work = try Self.workspace()
        let hash = String(try work.expect(0, ["put", "f", "--password-file", "password"]).text.prefix(64))
        for type in ["ed25519", "x25519", "secp256k1"] {
            try work.expect(0, ["key", "derive", "com.a", "--type", type, "--password-file", "password"])
        }
        let listed = try work.expect(0, ["key", "list"]).text
        try FileManager.default.removeItem(at: work.root.appendingPathComponent("identity/default/keys.cocoon"))
        try work.expect(66, ["cat", hash, "--password-file", "password"])
        #expect(try work.expect(0, ["cat", hash] + work.unlocking).text == "content")
        let told = try work.expect(0, ["unlock"] + work.unlocking)
        #expect(told.errors.contains("password reset"))
        let reset = try work.expect(
            0, ["password", "reset", "--new-password-file", "new", "--json"] + work.unlocking)
        #expect((try reset.json() as? [String: Any])?["keys"] as? Int == 3)
        #expect(try work.expect(0, ["cat", hash, "--password-file", "new"]).text == "content")
        #expect(try work.expect(0, ["key", "list"]).text == listed)
        let again = try work.expect(0, ["password", "reset", "--new-password-file", "password"] + work.unlocking)
        #expect(again.errors.contains("replaced-"))
        let names = try FileManager.default.contentsOfDirectory(atPath: work.root.path + "/identity/default")
        #expect(names.count == 2, "the one that nobody could open is kept: \(names)")
        try work.expect(0, ["unlock", "--password-file", "password"])
        try work.write("foreign", Data(Workspace.otherWords.utf8))
        let kept = try vault(work)
        try work.expect(77, ["password", "reset", "--new-password-file", "new", "--phrase-file", "foreign"])
        #expect(try vault(work) == kept)
    }

    @Test func `users of one data root have passwords of their own`() throws {
        let work = try Self.workspace()
        try work.expect(0, ["password", "reset", "--user", "bob", "--new-password-file", "new"] + work.unlocking)
        try work.expect(0, ["put", "f", "--user", "bob", "--password-file", "new"])
        try work.expect(77, ["put", "f", "--user", "bob", "--password-file", "password"])
        try work.expect(0, ["put", "f", "--password-file", "password"])
        try work.expect(66, ["put", "f", "--user", "eve", "--password-file", "password"])
        try work.expect(64, ["put", "f", "--user", "../default", "--password-file", "password"])
        try Program.shell("cp root/identity/bob/keys.cocoon root/identity/default/", in: work.folder)
        #expect(try work.expect(77, ["put", "f", "--password-file", "new"]).errors.contains("another user"))
    }

    @Test func `another store's vault is refused before anything is done with it`() throws {
        let work = try Self.workspace()
        let other = try Workspace(initialize: false)
        try other.expect(
            0, ["init", "--password-file", work.folder.appendingPathComponent("password").path, "--phrase-out", "p"])
        try Program.shell(
            "cp '\(other.root.path)/identity/default/keys.cocoon' root/identity/default/", in: work.folder)
        let kept = try vault(work)
        for command in [["put", "f"], ["unlock"], ["verify"], ["password", "change", "--new-password-file", "new"]] {
            let outcome = try work.expect(77, command + ["--password-file", "password"])
            #expect(outcome.errors.contains("not that of"), "\(outcome.errors)")
        }
        #expect(try vault(work) == kept)
    }

    // MARK: Bad input

    @Test func `a password that is none changes nothing and says so in one line`() throws {
        let work = try Self.workspace()
        try work.write("empty", Data())
        try work.write("line", Data("\n".utf8))
        try work.write("huge", Data(repeating: UInt8(ascii: "x"), count: 1 << 20))
        try work.write("inner", Data("correct horse 12 Ž\n\n".utf8))
        let kept = try vault(work)
        for file in ["empty", "line", "huge", "inner"] {
            try work.expect(77, ["put", "f", "--password-file", file])
            if file != "inner" {
                let change = ["password", "change", "--password-file", "password", "--new-password-file", file]
                try work.expect(file == "huge" ? 77 : 64, change)
                let fresh = try Workspace(initialize: false)
                let path = work.folder.appendingPathComponent(file).path
                try fresh.expect(file == "huge" ? 77 : 64, ["init", "--password-file", path])
                #expect(!FileManager.default.fileExists(atPath: fresh.root.path))
            }
        }
        try work.expect(66, ["put", "f", "--password-file", "nowhere"])
        try work.expect(66, ["put", "f", "--password-fd", "99"])
        try work.expect(66, ["put", "f", "--password-fd=-1"])
        try work.expect(77, ["put", "f", "--password-command", "exit 3"])
        try work.expect(77, ["put", "f", "--password-command", "no-such-program 2>&-"])
        try work.expect(77, ["put", "f", "--password-command", "kill -9 $$"])
        try work.expect(77, ["put", "f"])
        #expect(try vault(work) == kept)
        #expect(try work.expect(0, ["list", "blobs"]).text.isEmpty)
    }

    @Test func `line breaks at the end do not belong to a password`() throws {
        let work = try Self.workspace()
        for (name, text) in [("crlf", Self.password + "\r\n"), ("bare", Self.password)] {
            try work.write(name, Data(text.utf8))
            try work.expect(0, ["unlock", "--password-file", name])
        }
    }

    @Test func `a password file that others can read is warned of, once it has proved right`() throws {
        let work = try Self.workspace()
        #expect(try work.expect(0, ["unlock", "--password-file", "password"]).errors.isEmpty)
        try Program.shell("chmod 644 password new", in: work.folder)
        #expect(try work.expect(0, ["unlock", "--password-file", "password"]).errors.contains("chmod 600"))
        try work.expect(77, ["unlock", "--password-file", "new"])
    }

    @Test func `a command that hangs is ended with all that it started`() throws {
        let work = try Self.workspace()
        let marker = "\(Int.random(in: 100_000...999_999)).25"
        try work.expect(
            77, ["put", "f", "--password-timeout", "1", "--password-command", "sleep \(marker); cat password"])
        #expect(eventually { try Program.shell("pgrep -f 'sleep \(marker)'").code == 1 })
    }

    @Test(arguments: ["exec yes MARKER", "printf x; exec >&-; sleep MARKER"])
    func `a command that never ends is ended`(line: String) throws {
        let work = try Self.workspace()
        let marker = "\(Int.random(in: 100_000...999_999)).75"
        let command = line.replacingOccurrences(of: "MARKER", with: marker)
        let outcome = try Program.run(
            "/usr/bin/timeout",
            ["-s", "KILL", "60", Program.path, "unlock", "--password-timeout", "1", "--password-command", command],
            in: work.folder, environment: ["OSNOVA_DATA_ROOT": work.root.path])
        #expect(outcome.code == 77, "\(outcome.errors)")
        #expect(eventually { try Program.shell("pgrep -f '\(marker)'").code == 1 })
    }

    @Test func `a password of a standard stream leaves the stream to others`() throws {
        let work = try Self.workspace()
        let hash = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"
        let run = "OSNOVA_DATA_ROOT=root '\(Program.path)'"
        let put = try Program.shell("\(run) put f --password-fd 1 1<>password; cat password", in: work.folder)
        #expect(put.text == Self.password + "\n\(hash)  f\n", "\(put.errors)")
        for command in [
            "put -", "put f -", "component install -", "app install -", "cocoon open -", "cocoon seal - -o c",
        ] {
            let refused = try Program.shell("\(run) \(command) --password-fd 0 <new", in: work.folder)
            #expect(refused.code == 64 && refused.errors.contains("--password-file"), "\(command): \(refused.errors)")
        }
        try Program.shell("head -n 1 password | tr -d '\\n' >password2 && chmod 600 password2", in: work.folder)
        let read = try Program.shell("\(run) cat \(hash) --password-fd 0 <password2", in: work.folder)
        #expect(read.text == "content", "\(read.errors)")
    }

    @Test func `no file of the working directory is taken for systemd's`() throws {
        let work = try Self.workspace()
        try Program.shell("cp password osnovafs.password", in: work.folder)
        let told = try work.expect(77, ["unlock"], environment: ["CREDENTIALS_DIRECTORY": ""])
        #expect(told.errors.contains("--password-file"))
    }

    @Test func `no child gets the password from the environment`() throws {
        let work = try Self.workspace()
        try work.expect(
            77, ["put", "f", "--password-command", "printf %s \"$OSNOVA_PASSWORD\""],
            environment: ["OSNOVA_PASSWORD": Self.password])
        try work.expect(
            0, ["unlock", "--password-command", "env >seen; cat password"],
            environment: ["OSNOVA_PASSWORD": Self.password, "OSNOVA_PASSWORD_COMMAND": "echo \(Self.password)"])
        let seen = try String(contentsOf: work.folder.appendingPathComponent("seen"), encoding: .utf8)
        #expect(seen.contains("PATH=") && !seen.contains(Self.password))
    }

    @Test func `a damaged vault is exit code 65, before any password is read`() throws {
        let work = try Self.workspace()
        let file = work.root.appendingPathComponent("identity/default/keys.cocoon")
        let sound = try vault(work)
        for damaged in [sound.dropLast(), Data(), sound + [0], Data("x".utf8) + sound] {
            try Data(damaged).write(to: file)
            try work.expect(65, ["unlock", "--password-command", "touch asked; cat password"])
        }
        #expect(!FileManager.default.fileExists(atPath: work.folder.appendingPathComponent("asked").path))
    }

    @Test func `init makes 24 words, and refuses to bury a vault`() throws {
        let work = try Workspace(initialize: false)
        try work.expect(64, ["init", "--words", "11"])
        try work.expect(0, ["init", "--words", "24", "--phrase-out", "p"])
        let words = try String(contentsOf: work.folder.appendingPathComponent("p"), encoding: .utf8)
        #expect(words.split(separator: " ").count == 24)
        let lost = try Self.workspace()
        try Program.shell("rm root/osnova.db*", in: lost.folder)
        let kept = try vault(lost)
        try lost.expect(73, ["init", "--password-file", "new"])
        #expect(try vault(lost) == kept)
    }
}
