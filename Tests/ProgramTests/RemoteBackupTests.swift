import Foundation
import TestSupport
import Testing

/// Backups to another machine, of which nothing is used but rsync and sshd.
@Suite(.serialized) struct RemoteBackupTests {
    private struct Rig {
        let work: Workspace
        let far: FarSide
        var place: String { far.place(far.folder.path("dest")) }

        init() throws {
            work = try Workspace()
            far = try FarSide()
            for number in 0..<5 { try work.write("in/\(number)", noise(400_000 + number, seed: UInt64(number))) }
            try work.put(["in"], options: ["-r"])
        }

        @discardableResult
        func expect(
            _ code: Int32, _ arguments: [String], shell: String? = nil, at location: SourceLocation = #_sourceLocation
        ) throws -> Program.Outcome {
            try work.expect(code, arguments, environment: ["RSYNC_RSH": shell ?? far.shell], at: location)
        }

        /// Backs up and returns the bytes that were sent.
        func backUp() throws -> Int {
            let document = try expect(0, ["backup", "--to", place, "--json"]).json() as? [String: Any]
            return try #require(document?["written_bytes"] as? Int)
        }

        func generations() throws -> [String] {
            let listed = try expect(0, ["backup", "list", "--to", place, "--json"]).json() as? [[String: Any]]
            return try #require(listed).compactMap { $0["generation"] as? String }
        }

        /// A generation is restored to a data root of its own and is sound.
        func restore(_ generation: String?, _ root: String) throws {
            let chosen = generation.map { ["--generation", $0] } ?? []
            try expect(0, ["restore", "--from", place, "--data-root", root] + chosen)
            try work.expect(0, ["verify", "--data-root", root] + work.unlocking)
        }
    }

    @Test func `only what is missing is sent, and each generation comes back`() throws {
        let rig = try Rig()
        #expect(try rig.backUp() > 2_000_000)
        #expect(try rig.backUp() < 10_000)
        try rig.work.write("in/new", noise(50_000, seed: 9))
        try rig.work.put(["in"], options: ["-r"])
        let sent = try rig.backUp()
        #expect((50_000..<150_000).contains(sent), "\(sent) bytes")
        let generations = try rig.generations()
        #expect(generations.count == 3)
        try rig.restore(generations[0], "first")
        try rig.restore(nil, "last")
        for (root, count) in [("first", 5), ("last", 6)] {
            let names = try FileManager.default.contentsOfDirectory(atPath: rig.work.folder.path + "/\(root)/blobs")
            #expect(names.count == count)
        }
        // It is a backup like any other, for its owner alone.
        let there = rig.far.folder.path("dest")
        #expect(try Program.shell("sha256sum --quiet -c checksums/*", in: URL(fileURLWithPath: there)).code == 0)
        #expect(try Program.shell("find \(there) -perm /077").text.isEmpty)
        try rig.work.expect(0, ["restore", there, "--data-root", "here"])
        try rig.work.expect(0, ["backup", there, "--verify"])
        #expect(try rig.generations().count == 4)
        #expect(try strays(rig).isEmpty)
    }

    @Test func `a restored store sends nothing again, another sealing lies beside the first`() throws {
        let rig = try Rig()
        _ = try rig.backUp()
        try rig.expect(0, ["restore", "--from", rig.place])
        #expect(try rig.backUp() < 20_000)
        // The same content under another nonce.
        let hash = String(try rig.work.put(["in/0", "--as", "in/0"]).text.prefix(64))
        try rig.work.expect(0, ["file", "remove", "in/0"])
        try rig.work.expect(0, ["gc", "--grace", "0"])
        try rig.work.put(["in/0", "--as", "in/0"])
        #expect(try rig.backUp() > 400_000)
        let sealings = try Program.shell("find dest -name \(hash).enc | wc -l", in: rig.far.folder.url)
        #expect(sealings.text == "2\n")
        for (number, generation) in try rig.generations().enumerated() { try rig.restore(generation, "root-\(number)") }
    }

    @Test func `no file there is replaced where the lists that named it are lost`() throws {
        let rig = try Rig()
        _ = try rig.backUp()
        let there = rig.far.folder.path("dest")
        let pictures = "cd '\(there)/blobs' && sha256sum *"
        let before = try Program.shell(pictures).text
        try FileManager.default.removeItem(atPath: "\(there)/checksums")
        let file = try #require(FileManager.default.contentsOfDirectory(atPath: "\(there)/blobs").first)
        let sealed = rig.work.root.appendingPathComponent("blobs/\(file)")
        var bytes = try Data(contentsOf: sealed)
        bytes[1000] ^= 1
        try bytes.write(to: sealed)
        let before1970 = Date(timeIntervalSince1970: -1)
        try FileManager.default.setAttributes([.modificationDate: before1970], ofItemAtPath: sealed.path)
        _ = try rig.backUp()
        #expect(try Program.shell(pictures).text == before)
        try rig.work.expect(0, ["backup", "verify", there])
    }

    @Test func `without its lists what is there comes back in part`() throws {
        let rig = try Rig()
        _ = try rig.backUp()
        try FileManager.default.removeItem(atPath: rig.far.folder.path("dest/checksums"))
        let whole = ["restore", "--from", rig.place, "--data-root", "restored"]
        #expect(try rig.expect(65, whole).errors.contains("--partial"))
        #expect(try rig.expect(65, whole + ["--partial"]).errors.contains("checksum lists"))
        try rig.work.expect(0, ["verify", "--data-root", "restored"] + rig.work.unlocking)
    }

    @Test func `a connection that is lost leaves no generation, and the next run goes on`() throws {
        let rig = try Rig()
        _ = try rig.backUp()
        try rig.work.write("in/large", noise(6_000_000, seed: 20))
        try rig.work.put(["in"], options: ["-r"])
        // Each of the connections of a run in turn is refused.
        let counter = rig.far.folder.path("counter")
        let refusing = try rig.far.script(
            "refusing", "echo >>\(counter); [ $(wc -l <\(counter)) = $FAIL ] && exit 255; exec \(rig.far.shell) \"$@\"")
        var connections = 0
        for number in 1... {
            try? FileManager.default.removeItem(atPath: counter)
            let outcome = try rig.work.run(
                ["backup", "--to", rig.place], environment: ["RSYNC_RSH": refusing, "FAIL": "\(number)"])
            if outcome.code == 0 { break }
            #expect(outcome.code == 69 && outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
            #expect(try rig.generations().count == 1)
            connections = number
        }
        #expect(connections >= 5)
        print("backup --to: lost each of \(connections) connections")
        #expect(try rig.generations().count == 2)
        try rig.restore(nil, "restored")
    }

    @Test func `a file that was cut off is no blob, and is whole after the next run`() throws {
        let rig = try Rig()
        try rig.work.write("in/large", noise(6_000_000, seed: 20))
        try rig.work.put(["in"], options: ["-r"])
        // What is sent is cut after four of eight megabytes.
        let copying = """
            import os
            left = 4_000_000
            while left > 0:
                piece = os.read(0, min(left, 65536))
                if not piece: break
                os.write(1, piece)
                left -= len(piece)
            """
        let filter = try rig.far.folder.write("filter.py", Data(copying.utf8))
        let cutting = try rig.far.script(
            "cutting", "exec 3<&0; exec \(rig.far.shell) \"$@\" < <(python3 \(filter) <&3)")
        try rig.expect(69, ["backup", "--to", rig.place], shell: cutting)
        #expect(try Program.shell("ls dest/generations", in: rig.far.folder.url).text.isEmpty)
        _ = try rig.backUp()
        #expect(try Program.shell("find dest -name '.*'", in: rig.far.folder.url).text.isEmpty)
        try rig.restore(nil, "restored")
        #expect(try strays(rig).isEmpty)
    }

    @Test func `what is no backup, or another's, is refused; damage there is noticed here`() throws {
        let rig = try Rig()
        try rig.expect(66, ["restore", "--from", rig.place])
        try rig.expect(66, ["backup", "list", "--to", rig.place])
        _ = try rig.backUp()
        let other = try Workspace(initialize: false)
        try Data((Workspace.otherWords + "\n").utf8).write(to: other.phraseFile)
        try other.expect(0, ["init"] + other.unlocking)
        try other.expect(77, ["backup", "--to", rig.place], environment: ["RSYNC_RSH": rig.far.shell])
        try rig.far.folder.write("file", Data())
        try rig.expect(73, ["backup", "--to", rig.far.place(rig.far.folder.url.path)])
        try rig.expect(69, ["backup", "--to", "nowhere.invalid:dest"], shell: "ssh -o BatchMode=yes")
        let missing = try rig.far.script("missing", "echo 'bash: rsync: command not found' >&2; exit 127")
        #expect(
            try rig.expect(69, ["backup", "--to", rig.place], shell: missing).errors.contains("rsync is missing on"))
        for bad in ["-oProxyCommand=x:dest", "ssh://host", "host:", "host::module"] {
            try rig.expect(64, ["backup", "--to=\(bad)"])
        }
        try rig.expect(64, ["backup", "--to", rig.place, "--verify"])
        try rig.expect(64, ["backup", "prune", "--to", rig.place, "--keep-last", "1"])
        let before = try rig.work.expect(0, ["verify", "--json"] + rig.work.unlocking).text
        let damage = "cd dest/blobs; printf x | dd of=$(ls | head -1) bs=1 seek=1000 conv=notrunc status=none"
        #expect(try Program.shell(damage, in: rig.far.folder.url).code == 0)
        try rig.expect(65, ["restore", "--from", rig.place])
        #expect(try Program.shell("rm dest/blobs/$(ls dest/blobs | head -1)", in: rig.far.folder.url).code == 0)
        try rig.expect(65, ["restore", "--from", rig.place])
        #expect(try rig.work.expect(0, ["verify", "--json"] + rig.work.unlocking).text == before)
        // What is gone there is sent again.
        _ = try rig.backUp()
        try rig.restore(nil, "restored")
        #expect(try strays(rig).isEmpty)
    }

    /// What a run left in or beside the data root.
    private func strays(_ rig: Rig) throws -> [String] {
        let beside = try FileManager.default.contentsOfDirectory(atPath: rig.work.folder.path)
        let inside = try FileManager.default.contentsOfDirectory(atPath: rig.work.root.path)
        return beside.filter { $0.contains(".fetching-") || $0.contains(".restoring-") }
            + inside.filter { $0.hasPrefix(".") }
    }
}
