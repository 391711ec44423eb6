import Foundation
import TestSupport
import Testing

/// Backups as one stream, through commands and files.
@Suite(.serialized) struct BackupStreamTests {
    private func filled() throws -> (Workspace, hash: String) {
        let work = try Workspace()
        for number in 0..<5 { try work.write("in/\(number)", noise(100_000 + number, seed: UInt64(number))) }
        let put = try work.put(["in"], options: ["-r"])
        try work.write("root/components/c/v1.0/data/state", noise(3000, seed: 9))
        return (work, String(put.text.prefix(64)))
    }

    private func check(_ work: Workspace, _ root: String) throws {
        try work.expect(0, ["verify", "--data-root", root] + work.unlocking)
        let path = work.folder.appendingPathComponent(root)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: path.appendingPathComponent("blobs").path).count == 5)
        #expect(
            try Data(contentsOf: path.appendingPathComponent("components/c/v1.0/data/state")) == noise(3000, seed: 9))
    }

    @Test func `a stream comes back from a file, standard input, a command, and unpacked`() throws {
        let (work, _) = try filled()
        let program = Program.path
        let root = "--data-root root"
        let lines = [
            "\(program) backup - \(root) >stream.tar",
            "\(program) restore stream.tar --data-root one",
            "\(program) restore - --data-root two <stream.tar",
            "\(program) backup \(root) --to-command 'gzip >stream.tar.gz'",
            "\(program) restore --from-command 'zcat stream.tar.gz' --data-root three",
            "mkdir unpacked && tar -C unpacked -xf stream.tar",
            "\(program) restore unpacked --data-root four",
            "cd unpacked && sha256sum --quiet -c checksums/* && cd ..",
            "\(program) backup unpacked --verify \(root)",
            // As other programs would pack it.
            "tar -C unpacked --format=gnu -cf gnu.tar .",
            "\(program) restore gnu.tar --data-root five",
            "tar -C unpacked --format=posix -cf posix.tar .",
            "\(program) restore posix.tar --data-root six",
        ]
        for line in lines {
            let outcome = try Program.shell(line, in: work.folder)
            #expect(outcome.code == 0, "\(line): \(outcome.errors)")
        }
        for name in ["one", "two", "three", "four", "five", "six"] { try check(work, name) }
        let names = try FileManager.default.contentsOfDirectory(atPath: work.folder.path)
        #expect(!names.contains { $0.contains(".fetching-") || $0.contains(".restoring-") }, "\(names)")
        #expect(try !FileManager.default.contentsOfDirectory(atPath: work.root.path).contains { $0.hasPrefix(".") })
    }

    @Test func `a stream that is cut, changed or none is refused, and the data root stays`() throws {
        let (work, hash) = try filled()
        try work.expect(0, ["backup", "--to-command", "cat >stream.tar"])
        let stream = try Data(contentsOf: work.folder.appendingPathComponent("stream.tar"))
        func refused(_ bytes: Data, _ what: String) throws {
            try work.write("bad.tar", bytes)
            let outcome = try work.run(["restore", "bad.tar"])
            #expect(
                outcome.code == 65 && outcome.errors.split(separator: "\n").count == 1, "\(what): \(outcome.errors)")
        }
        for part in [0, 1, 100, 512, 600, stream.count / 2, stream.count - 3000, stream.count - 600] {
            try refused(stream.prefix(part), "cut at \(part)")
        }
        // Wherever a bit is flipped but in what fills up blocks or in times, which nothing depends on.
        for place in stride(from: 0, to: stream.count, by: stream.count / 23) {
            var bytes = stream
            bytes[place] ^= 1
            try work.write("bad.tar", bytes)
            let outcome = try work.run(["restore", "bad.tar", "--data-root", "other"])
            #expect([0, 65].contains(outcome.code), "flipped at \(place): \(outcome.errors)")
            if outcome.code == 0 {
                try check(work, "other")
                try FileManager.default.removeItem(at: work.folder.appendingPathComponent("other"))
            }
        }
        try refused(noise(5000, seed: 1), "noise")
        try work.write("evil/x", Data("x".utf8))
        for line in [
            "tar -cPf bad.tar ../$(basename $PWD)/phrase", "tar -cf bad.tar evil", "tar -cPf bad.tar /etc/hostname",
        ] {
            #expect(try Program.shell(line, in: work.folder).code == 0)
            try work.expect(65, ["restore", "bad.tar"])
        }
        try work.expect(66, ["restore", "nowhere.tar"])
        try work.expect(0, ["cat", hash] + work.unlocking)
        #expect(
            try !FileManager.default.contentsOfDirectory(atPath: work.folder.path).contains { $0.hasPrefix("root.") })
    }

    @Test func `a command that fails or stops reading is said to`() throws {
        let (work, _) = try filled()
        #expect(try work.expect(74, ["backup", "--to-command", "exit 3"]).errors.contains("exit code 3"))
        let early = try work.expect(74, ["backup", "--to-command", "head -c 10 >/dev/null"])
        #expect(early.errors.contains("nobody reads the stream"), "\(early.errors)")
        try work.expect(0, ["backup", "--to-command", "cat >stream.tar"])
        try work.expect(74, ["restore", "--from-command", "cat stream.tar; exit 4", "--data-root", "new"])
        #expect(!FileManager.default.fileExists(atPath: work.folder.path + "/new"))
        for bad in [["-", "--json"], ["dest", "--to-command", "cat"], ["-", "--verify"], ["--to", "a", "b"]] {
            try work.expect(64, ["backup"] + bad)
        }
        try work.expect(64, ["restore", "stream.tar", "--from", "dest"])
    }

    @Test(.enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
    func `no stream is restored over a mounted data root`() throws {
        let (work, _) = try filled()
        try work.expect(0, ["backup", "--to-command", "cat >stream.tar"])
        try work.mount()
        try work.expect(75, ["restore", "stream.tar"])
        try work.expect(75, ["restore", "--from-command", "touch was-run; cat stream.tar"])
        #expect(!FileManager.default.fileExists(atPath: work.folder.path + "/was-run"))
        try work.unmount()
    }

    @Test func `memory does not grow with the store`() throws {
        let work = try Workspace()
        func peak(_ size: Int) throws -> Int {
            try work.write("large", noise(size, seed: UInt64(size)))
            try work.put(["large", "--as", "\(size)"])
            let script = """
                import os, resource, subprocess
                subprocess.run(["\(Program.path)", "backup", "-"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    env=dict(os.environ, OSNOVA_DATA_ROOT="root"), check=True)
                print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
                """
            let outcome = try Program.run("/usr/bin/python3", ["-c", script], in: work.folder)
            return try #require(Int(outcome.text.trimmingCharacters(in: .newlines)), "\(outcome.errors)")
        }
        let small = try peak(1_000_000)
        let large = try peak(60_000_000)
        #expect(large - small < 8_000, "\(small) KiB, then \(large) KiB")
    }
}
