import Foundation
import TestSupport
import Testing

/// What becomes of system calls that fail, which `strace` sees to.
@Suite(.enabled(if: Tracer.isThere, "SKIPPED: no system call was made to fail, it needs root and strace"))
struct FaultTests {
    /// Runs the program, of whose system calls some are made to fail; the trace goes to the file `trace`.
    ///
    /// - Parameter path: what the calls must be about; nil for all.
    private func run(
        _ arguments: [String], _ filter: String, _ work: Workspace, path: String? = nil
    ) throws -> Program.Outcome {
        let paths = path.map { ["-P", $0] } ?? []
        let tracing = ["10", Tracer.path, "-f", "-qq", "-y", "-o", "trace"] + paths + ["-e", filter, Program.path]
        return try Program.run(
            "/usr/bin/timeout", ["-s", "KILL"] + tracing + arguments, in: work.folder,
            environment: ["OSNOVA_DATA_ROOT": work.root.path])
    }

    @Test func `a disk without file locks is told as one`() throws {
        let work = try Workspace(initialize: false)
        let lockless = "inject=flock:error=ENOLCK"
        let refused = try run(["init"] + work.unlocking, lockless, work)
        #expect(refused.code == 73 && refused.errors.contains("no file locks"), "\(refused.code) \(refused.errors)")
        #expect(!FileManager.default.fileExists(atPath: work.root.path))
        try work.expect(0, ["init"] + work.unlocking)
        try work.write("f", Data("x".utf8))
        let put = try run(["put", "f"] + work.unlocking, lockless, work)
        #expect(put.code == 74 && put.errors.contains("no file locks"), "\(put.code) \(put.errors)")
    }

    @Test func `a folder that cannot be opened is not made again and again`() throws {
        let work = try Workspace(initialize: false)
        let initialize = "timeout -s KILL 10 '\(Program.path)' init --data-root root --phrase-file phrase"
        let outcome = try Program.shell("ulimit -n 4; \(initialize)", in: work.folder)
        #expect(outcome.code == 73, "\(outcome.code) \(outcome.errors)")
        #expect(!FileManager.default.fileExists(atPath: work.root.path))
    }

    @Test func `a phrase is on the disk with its name before anything is sealed under it, or not at all`() throws {
        let work = try Workspace(initialize: false)
        #expect(try run(["init", "--phrase-out", "new"], "trace=fsync,mkdirat", work).code == 0)
        let calls = try String(contentsOf: work.folder.appendingPathComponent("trace"), encoding: .utf8)
        let before = calls.prefix(upTo: try #require(calls.firstRange(of: "mkdirat")).lowerBound)
        #expect(before.contains("fsync(") && before.contains("\(work.folder.path)>)"), "\(before)")
        let failed = try run(["init", "--phrase-out", "again", "--data-root", "other"], "inject=fsync:error=EIO", work)
        #expect(failed.code == 73, "\(failed.code) \(failed.errors)")
        #expect(!FileManager.default.fileExists(atPath: work.folder.appendingPathComponent("again").path))
    }

    /// The kernel tells each descriptor once of a write that failed: of two loads that share one, one would not hear it.
    @Test func `loads that are under way together do not share the descriptor that tells of failed writes`() throws {
        let work = try Workspace()
        for index in 0..<600 { try work.write("src/f\(index)", Data("content \(index)".utf8)) }
        #expect(try run(["put", "-r", "src"] + work.unlocking, "trace=openat,syncfs", work).code == 0)
        let calls = try String(contentsOf: work.folder.appendingPathComponent("trace"), encoding: .utf8)
        let shared = calls.matches(of: /openat\(AT_FDCWD[^,]*, "[^"]*\/root\/blobs", [^)]*\) = (\d+)</).map(\.1)
        let used = calls.matches(of: /syncfs\((\d+)</).map(\.1)
        #expect(!shared.isEmpty && used.count > 1 && Set(used).isDisjoint(with: shared), "\(used), \(shared)")
    }

    @Test func `what is put takes the place of a file that its disk cannot read`() throws {
        let work = try Workspace()
        for name in ["a", "b"] { try work.write("src/\(name)", Data(name.utf8)) }
        let hash = String(try work.put(["src/a"]).text.prefix(64))
        let file = work.sealedFile(hash).path
        let put = try run(["put", "-r", "src"] + work.unlocking, "inject=pread64:error=EIO", work, path: file)
        #expect(put.code == 0 && put.lines.count == 2, "\(put.code) \(put.errors)")
        try work.expect(0, ["verify"] + work.unlocking)
    }

    /// A root of another program's has no fingerprint: its smallest files tell whose it is.
    @Test func `one file that a disk cannot read does not lock its owner out`() throws {
        let work = try Workspace()
        for (seed, name) in ["a", "b"].enumerated() { try work.write(name, noise(100 + seed, seed: UInt64(seed))) }
        let hashes = try work.put(["a", "b"]).lines.map { String($0.prefix(64)) }
        try work.sqlite("DELETE FROM store WHERE key = 'key_fingerprint'")
        let file = work.sealedFile(hashes[0]).path
        let cat = try run(["cat", hashes[1]] + work.unlocking, "inject=pread64:error=EIO", work, path: file)
        #expect(cat.code == 0, "\(cat.code) \(cat.errors)")
        #expect(try work.sqlite("SELECT count(*) FROM store WHERE key = 'key_fingerprint'") == "1")
    }

    @Test func `where a disk reads nothing, the key is not called another store's`() throws {
        let work = try Workspace()
        try work.write("a", noise(100, seed: 1))
        let hash = try String(work.put(["a"]).text.prefix(64))
        try work.sqlite("DELETE FROM store WHERE key = 'key_fingerprint'")
        let cat = try run(
            ["cat", hash] + work.unlocking, "inject=pread64:error=EIO", work, path: work.sealedFile(hash).path)
        #expect(cat.code == 74, "\(cat.code) \(cat.errors)")
    }

    @Test func `what a disk can no longer read of the store stays in the backup`() throws {
        let work = try Workspace()
        try work.write("a", noise(10_000, seed: 1))
        let hash = String(try work.put(["a"]).text.prefix(64))
        let untracked = String(repeating: "a", count: 64)
        try FileManager.default.copyItem(at: work.sealedFile(hash), to: work.sealedFile(untracked))
        try work.expect(0, ["backup", "dest"])
        for file in [hash, untracked].map({ work.sealedFile($0).path }) {
            // Its nonce can be read, and nothing else of it.
            let kept = try run(["backup", "dest", "--verify"], "inject=pread64:error=EIO:when=2+", work, path: file)
            #expect(kept.code == 65 && kept.errors.contains("the earlier copy is kept"), "\(kept.code) \(kept.errors)")
            try work.expect(0, ["restore", "dest", "--data-root", "restored-\(kept.text.prefix(16))"])
            let lacking = try run(["backup", "dest", "--verify"], "inject=pread64:error=EIO", work, path: file)
            #expect(lacking.code == 65 && lacking.errors.contains("is not in the backup"), "\(lacking.errors)")
            try work.expect(0, ["backup", "prune", "dest", "--keep-last", "1"])
            let copies = try FileManager.default.contentsOfDirectory(atPath: work.folder.path + "/dest/blobs")
            #expect(Set(copies) == ["\(hash).enc", "\(untracked).enc"])
        }
    }

    @Test func `a manifest or a list that a disk can no longer read hinders no other generation`() throws {
        let work = try Workspace()
        try work.write("a", noise(10_000, seed: 1))
        try work.put(["a"])
        let first = try work.expect(0, ["backup", "dest", "--json"]).json() as? [String: Any]
        let generation = try #require(first?["generation"] as? String)
        try work.expect(0, ["backup", "dest"])
        let failing = "inject=pread64:error=EIO"
        let folder = work.folder.path + "/dest"
        let manifest = "\(folder)/generations/\(generation).json"
        #expect(try run(["backup", "list", "dest"], failing, work, path: manifest).code == 65)
        #expect(try run(["restore", "dest", "--data-root", "sound"], failing, work, path: manifest).code == 0)
        let backup = try run(["backup", "dest"], failing, work, path: manifest)
        #expect(backup.code == 0 && backup.errors.contains("Input/output error"), "\(backup.code) \(backup.errors)")
        let list = "\(folder)/checksums/\(generation)"
        let partial = try run(["restore", "dest", "--data-root", "other", "--partial"], failing, work, path: list)
        #expect(partial.code == 65 && partial.errors.contains("checksum lists"), "\(partial.code) \(partial.errors)")
        try work.expect(0, ["verify", "--data-root", "other"] + work.unlocking)
        // The sums are those of the copies, read anew.
        #expect(try run(["backup", "dest", "--verify"], failing, work, path: list).code == 0)
    }

    @Test func `without its arguments the program does nothing, and says so`() throws {
        let work = try Workspace()
        let line = "mount -t tmpfs none /proc && exec '\(Program.path)' list --data-root root"
        let outcome = try Program.run("/usr/bin/unshare", ["--mount", "sh", "-c", line], in: work.folder)
        #expect(outcome.code == 69 && outcome.text.isEmpty, "\(outcome.code) \(outcome.text)")
        #expect(outcome.errors.contains("mount /proc") && outcome.errors.split(separator: "\n").count == 1)
    }
}

enum Tracer {
    static let path = "/usr/bin/strace"
    static let isThere =
        getuid() == 0 && (try? Program.run(path, ["-qq", "-o", "/dev/null", "/usr/bin/true"]))?.code == 0
}
