import Foundation
import TestSupport
import Testing

/// One sealed file that its permissions or its disk refuse: it is named, and everything else goes on.
@Suite(.serialized) struct UnreadableFileTests {
    private let work: Workspace
    /// Of `a`, which cannot be read, and of `b`.
    private let hashes: [String]

    init() throws {
        work = try Workspace()
        for (seed, name) in ["a", "b"].enumerated() { try work.write(name, noise(10_000, seed: UInt64(seed))) }
        hashes = try work.put(["a", "b"]).lines.map { String($0.prefix(64)) }
    }

    private func permit(_ mode: Int, _ path: String) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    /// Runs the program as one whom permissions stop, which root is not.
    @discardableResult
    private func expect(_ code: Int32, _ arguments: [String]) throws -> Program.Outcome {
        let bound = getuid() == 0 ? ["/usr/bin/setpriv", "--bounding-set", "-dac_override,-dac_read_search"] : []
        let command = bound + [Program.path] + arguments
        let outcome = try Program.run(
            command[0], Array(command.dropFirst()), in: work.folder, environment: ["OSNOVA_DATA_ROOT": work.root.path])
        #expect(outcome.code == code, "\(arguments.joined(separator: " ")): \(outcome.errors)")
        return outcome
    }

    @Test func `a file that may not be read is named, and the rest is backed up and verified`() throws {
        let file = work.sealedFile(hashes[0]).path
        try permit(0, file)
        let backup = try expect(65, ["backup", "dest", "--json"])
        #expect(backup.errors.contains(file), "\(backup.errors)")
        let document = try #require(try backup.json() as? [String: Any])
        #expect(document["missing"] as? [String] == [hashes[0]] && document["blobs"] as? Int == 1)
        try expect(65, ["restore", "dest", "--data-root", "other"])
        try work.expect(0, ["cat", hashes[1], "--data-root", "other"] + work.unlocking)
        let verified = try expect(65, ["verify"] + work.unlocking)
        #expect(verified.text.contains("damaged    \(hashes[0])") && verified.text.contains(file), "\(verified.text)")
        #expect(verified.text.contains("2 blobs checked, 1 sound, 1 damaged"), "\(verified.text)")
        let rekey = try expect(65, ["rekey", "--phrase-out", "new"] + work.unlocking)
        #expect(rekey.text.contains("not finished"), "\(rekey.text)")
        // It may be sound: nothing is put aside.
        try expect(65, ["verify", "--repair"] + work.unlocking)
        try permit(0o600, file)
        try work.expect(0, ["verify"] + work.unlocking)
    }

    @Test func `what is put takes the place of a file that may not be read`() throws {
        let file = work.sealedFile(hashes[0]).path
        try permit(0, file)
        try expect(0, ["put", "a", "b"] + work.unlocking)
        try expect(0, ["cat", hashes[0]] + work.unlocking)
        try work.expect(0, ["verify"] + work.unlocking)
    }

    @Test func `a file that may not be read is fetched from the next place that has it`() throws {
        let file = work.sealedFile(hashes[0]).path
        let sound = try Data(contentsOf: work.sealedFile(hashes[0]))
        try work.write("from/blobs/\(hashes[0]).enc", sound)
        try work.write("from/other-sealings/x/\(hashes[0]).enc", sound)
        for path in [file, work.folder.path + "/from/blobs/\(hashes[0]).enc"] { try permit(0, path) }
        try expect(0, ["verify", "--repair", "--from", "from"] + work.unlocking)
        #expect(try Data(contentsOf: work.sealedFile(hashes[0])) == sound)
    }

    @Test func `a directory that may not be entered is no matter of one file`() throws {
        let blobs = work.root.appendingPathComponent("blobs").path
        try permit(0o400, blobs)
        defer { try? permit(0o700, blobs) }
        for arguments in [["backup", "dest"], ["verify"] + work.unlocking] { try expect(77, arguments) }
        let generations = try? FileManager.default.contentsOfDirectory(atPath: work.folder.path + "/dest/generations")
        #expect(generations ?? [] == [])
    }

    @Test(.enabled(if: LoopDisk.kinds.contains(.ext4), "SKIPPED: nothing was mounted, \(LoopDisk.obstacle)"))
    func `a file that its disk cannot read stops neither a backup nor a stream`() throws {
        let file = work.sealedFile(hashes[0]).path
        // Reads of a process's memory fail where nothing is mapped: at 0.
        let mounted = try Program.shell("mount --bind /proc/\(getpid())/mem '\(file)'")
        #expect(mounted.code == 0, "\(mounted.errors)")
        defer { _ = try? Program.shell("umount --lazy '\(file)'") }
        for arguments in [["backup", "dest"], ["backup", "--to-command", "cat >stream"]] {
            let errors = try work.expect(65, arguments).errors
            #expect(errors.contains("\(file): Input/output error"), "\(errors)")
        }
        for (number, source) in ["dest", "stream"].enumerated() {
            try work.expect(65, ["restore", source, "--data-root", "root-\(number)"])
            try work.expect(0, ["cat", hashes[1], "--data-root", "root-\(number)"] + work.unlocking)
        }
    }

    // MARK: Beside the catalog

    private func write(_ name: String, _ text: String) throws {
        try work.write("root/components/c/v1.0/\(name)", Data(text.utf8))
    }

    private func restored(_ name: String, in root: String) -> String? {
        let data = try? Data(contentsOf: work.folder.appendingPathComponent("\(root)/components/c/v1.0/\(name)"))
        return data.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `a component's file that may not be read is named, its earlier copy kept, the rest backed up`() throws {
        for name in ["seen", "deep/seen", "good"] { try write(name, "before") }
        try expect(0, ["backup", "dest"])
        for name in ["seen", "deep/seen", "good", "new"] { try write(name, "after") }
        let folder = work.root.path + "/components/c/v1.0"
        for path in ["seen", "new", "deep"] { try permit(0, "\(folder)/\(path)") }
        defer { try? permit(0o700, "\(folder)/deep") }
        let backup = try expect(65, ["backup", "dest", "--json"])
        let document = try #require(try backup.json() as? [String: Any])
        let files = try #require(document["unreadable_files"] as? [[String: String]])
        let below = "components/c/v1.0/"
        #expect(Set(files.compactMap { $0["path"] }) == Set(["seen", "new", "deep"].map { below + $0 }))
        #expect(backup.errors.contains("\(below)new cannot be read and is not in the backup"), "\(backup.errors)")
        #expect(backup.errors.contains("\(below)deep cannot be read and the earlier copy is kept"), "\(backup.errors)")
        try work.expect(0, ["restore", "dest", "--data-root", "other"])
        #expect(["seen", "deep/seen"].map { restored($0, in: "other") } == ["before", "before"])
        #expect(restored("good", in: "other") == "after" && restored("new", in: "other") == nil)
        try work.expect(0, ["cat", hashes[0], "--data-root", "other"] + work.unlocking)
    }

    @Test(.enabled(if: LoopDisk.kinds.contains(.ext4), "SKIPPED: nothing was mounted, \(LoopDisk.obstacle)"))
    func `a component's file that its disk cannot read stops neither a backup nor a stream`() throws {
        for name in ["bad", "good"] { try write(name, "text") }
        let file = work.root.path + "/components/c/v1.0/bad"
        let mounted = try Program.shell("mount --bind /proc/\(getpid())/mem '\(file)'")
        #expect(mounted.code == 0, "\(mounted.errors)")
        defer { _ = try? Program.shell("umount --lazy '\(file)'") }
        for (number, arguments) in [["backup", "dest"], ["backup", "--to-command", "cat >stream"]].enumerated() {
            let errors = try work.expect(65, arguments).errors
            #expect(errors.contains("\(file): Input/output error"), "\(errors)")
            try work.expect(0, ["restore", ["dest", "stream"][number], "--data-root", "root-\(number)"])
            #expect(restored("good", in: "root-\(number)") == "text")
            #expect(restored("bad", in: "root-\(number)") == nil)
        }
    }
}
