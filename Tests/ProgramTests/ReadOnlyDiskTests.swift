import Foundation
import TestSupport
import Testing

/// Data roots on a disk to which nothing can be written: mounted for a rescue, a snapshot, a container's volume.
@Suite(.serialized, .enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
struct ReadOnlyDiskTests {
    /// A store whose data root is read-only to whoever opens it from now on; as it was when this is gone.
    private final class FrozenStore {
        let work: Workspace
        /// Where the program makes its temporary files.
        let temporary: URL

        init(_ prepare: (Workspace) throws -> Void) throws {
            work = try Workspace()
            temporary = work.folder.appendingPathComponent("tmp")
            try FileManager.default.createDirectory(at: temporary, withIntermediateDirectories: true)
            try prepare(work)
            let root = work.root.path
            let mounted = try Program.shell("mount --bind \(root) \(root) && mount -o remount,bind,ro \(root)")
            try #require(mounted.code == 0, "this test needs root: \(mounted.errors)")
        }

        deinit {
            _ = try? Program.run("/usr/bin/umount", ["--lazy", work.mountpoint.path])
            _ = try? Program.run("/usr/bin/umount", ["--lazy", work.root.path])
        }

        @discardableResult
        func expect(
            _ code: Int32, _ arguments: [String], at location: SourceLocation = #_sourceLocation
        ) throws -> Program.Outcome {
            try work.expect(code, arguments, environment: ["TMPDIR": temporary.path], at: location)
        }

        func leftovers() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: temporary.path) }
    }

    private static let size = 300_000

    /// Number, type, size, time and path of everything that a mount shows of the catalog and beside it.
    private func walk(_ work: Workspace) throws -> [String] {
        let line = "find . ! -name osnova.db ! -name SHA256SUMS ! -name .changed -printf '%i %y %s %T@ %p\\n' | sort"
        return try Program.shell(line, in: work.mountpoint).lines.map(String.init)
    }

    @Test func `a store is listed, read, verified, mounted and backed up as it is`() throws {
        var walked: [String] = []
        let content = noise(Self.size, seed: 1)
        let store = try FrozenStore { work in
            try work.write("f", content)
            try work.put(["f"])
            try work.write("root/components/c/v1.0/host", Data("beside".utf8))
            try work.mount()
            walked = try walk(work)
            try work.unmount()
        }
        let work = store.work
        let hash = try #require(store.expect(0, ["list"]).text.split(separator: " ").first.map(String.init))
        #expect(try store.expect(0, ["cat", hash] + work.unlocking).output == content)
        try store.expect(0, ["verify"] + work.unlocking)
        try store.expect(0, ["db", "check"])
        try store.expect(0, ["mount"] + work.unlocking + [work.mountpoint.path])
        #expect(try Data(contentsOf: work.mounted("files/f")) == content)
        #expect(try Data(contentsOf: work.mounted("components/c/v1.0/host")) == Data("beside".utf8))
        #expect(try walk(work) == walked)
        #expect(try Program.shell("sha256sum --quiet -c SHA256SUMS", in: work.mountpoint).code == 0)
        try work.unmount()
        let backup = work.folder.appendingPathComponent("backup").path
        try store.expect(0, ["backup", backup])
        let back = work.folder.appendingPathComponent("back").path
        try store.expect(0, ["restore", backup, "--data-root", back])
        #expect(try store.expect(0, ["cat", hash, "--data-root", back] + work.unlocking).output == content)
        #expect(eventually(within: 5) { try store.leftovers().isEmpty }, "the driver ended and left copies")
    }

    /// A crash, or a writer who sees the disk otherwise, leaves rows in the WAL alone.
    @Test func `what stands in the write-ahead log is read too`() throws {
        let store = try FrozenStore { work in
            // As long as the store is mounted nobody empties the log.
            try work.mount()
            try work.sqlite("INSERT INTO user_preferences(key, value, updated_at) VALUES ('theme', '\"dark\"', 1)")
            let log = work.root.appendingPathComponent("osnova.db-wal").path
            let size = try FileManager.default.attributesOfItem(atPath: log)[.size] as? Int
            try #require(size ?? 0 > 0)
        }
        #expect(try store.expect(0, ["pref", "list"]).text.contains("dark"))
        #expect(try store.leftovers().isEmpty)
    }

    /// SQLite has its log beside the file that the link leads to.
    @Test func `a database that is a link is read with its log`() throws {
        let store = try FrozenStore { work in
            try work.write("f", noise(Self.size, seed: 4))
            try work.put(["f"])
            let link = "mv osnova.db real.db && rm -f osnova.db-* && ln -s real.db osnova.db"
            try #require(Program.shell(link, in: work.root).code == 0)
            try work.mount()
            try work.sqlite("INSERT INTO user_preferences(key, value, updated_at) VALUES ('theme', '\"dark\"', 1)")
            try #require(FileManager.default.fileExists(atPath: work.root.appendingPathComponent("real.db-wal").path))
        }
        #expect(try store.expect(0, ["list"]).text.contains(String(Self.size)))
        #expect(try store.expect(0, ["pref", "list"]).text.contains("dark"))
        #expect(try store.leftovers().isEmpty)
    }

    /// More is listed than a pipe holds, so that it is in the middle of its work.
    @Test(arguments: [
        ("env --default-signal=PIPE $LIST | head -1 >/dev/null; echo ${PIPESTATUS[0]}", "141"),
        ("env --ignore-signal=PIPE $LIST | head -1 >/dev/null; echo ${PIPESTATUS[0]}", "74"),
        ("mkfifo pipe; $LIST >pipe & exec 3<pipe; read line <&3; kill $!; wait $!; echo $?", "143"),
    ])
    func `a command that ends where it stands leaves no copy of the database`(line: String, status: String) throws {
        let store = try FrozenStore { work in
            try work.sqlite(
                """
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000)
                INSERT INTO user_preferences(key, value, updated_at) SELECT 'preference ' || i, '1', 1 FROM n
                """)
        }
        let environment = "export OSNOVA_DATA_ROOT=\(store.work.root.path) TMPDIR=\(store.temporary.path)"
        let list = "LIST='\(Program.path) pref list --limit 9000'"
        #expect(try Program.shell("\(environment); \(list); \(line)", in: store.work.folder).text == "\(status)\n")
        #expect(try store.leftovers().isEmpty)
    }

    @Test func `a sealed file without a row is found, and its content read`() throws {
        let content = noise(Self.size, seed: 2)
        var hash = ""
        let store = try FrozenStore { work in
            try work.write("f", content)
            hash = String(try work.put(["f"]).text.prefix(64))
            try work.sqlite("DELETE FROM nodes WHERE blob IS NOT NULL; DELETE FROM blobs; DELETE FROM blob_tags")
        }
        try store.expect(0, ["mount"] + store.work.unlocking + [store.work.mountpoint.path])
        #expect(try Data(contentsOf: store.work.mounted("blobs/\(hash)")) == content)
    }

    @Test func `whatever would write is refused, and says why`() throws {
        let store = try FrozenStore { work in
            try work.write("f", noise(Self.size, seed: 3))
            try work.put(["f"])
        }
        let unlocking = store.work.unlocking
        let files = { try Program.shell("find . -type f -exec sha256sum {} +", in: store.work.root).lines.sorted() }
        let before = try files()
        for arguments in [
            ["pref", "set", "k", "1"], ["file", "remove", "/f"], ["db", "vacuum"], ["compression", "on"],
            ["rekey"] + unlocking,
        ] {
            #expect(try store.expect(77, arguments).errors.contains("read-only"), "\(arguments)")
        }
        let put = try store.expect(73, ["put", "phrase"] + unlocking)
        #expect(put.errors.lowercased().contains("read-only"), "\(put.errors)")
        #expect(try files() == before)
        #expect(try store.leftovers().isEmpty)
    }

    @Test func `without room for the copies it says where it wants it`() throws {
        let store = try FrozenStore { _ in }
        try FileManager.default.removeItem(at: store.temporary)
        try FileManager.default.createDirectory(at: store.temporary, withIntermediateDirectories: true)
        let made = try Program.shell("mount -t tmpfs -o size=64k tmpfs \(store.temporary.path)")
        try #require(made.code == 0, "this test needs root: \(made.errors)")
        defer { _ = try? Program.shell("umount -l \(store.temporary.path)") }
        #expect(try store.expect(74, ["list"]).errors.contains("$TMPDIR"))
        #expect(try store.leftovers().isEmpty)
    }

    // MARK: A disk that failed

    private static let failure = "errors=remount-ro"

    /// Whether a disk can be made to fail as ext4 does where it finds itself damaged.
    private static let canFail = (try? LoopDisk(.ext4, options: failure)).flatMap { try? errorSwitch(of: $0) } != nil

    private static func errorSwitch(of disk: LoopDisk) throws -> String {
        let device = try Program.shell("basename $(findmnt -no SOURCE \(disk.mountpoint.path))").lines.first ?? ""
        let path = "/sys/fs/ext4/\(device)/trigger_fs_error"
        try #require(FileManager.default.fileExists(atPath: path))
        return path
    }

    /// The kernel lets no more be written then, and the mount of the disk still claims that it is writable.
    @Test(.enabled(if: canFail, "SKIPPED: no disk was made to fail, \(LoopDisk.obstacle)"))
    func `a disk that fails under a mount is read on, and can be rescued`() throws {
        let disk = try LoopDisk(.ext4, options: Self.failure)
        let work = try Workspace(initialize: false)
        let root = ["--data-root", disk.mountpoint.appendingPathComponent("root").path]
        let keys = root + work.unlocking
        try work.expect(0, ["init"] + keys)
        let contents = try (0..<3).map { try work.write("f\($0)", noise(Self.size, seed: UInt64($0))) }
        try work.expect(0, ["put", "f0", "f1", "f2"] + keys)
        try work.expect(0, ["mount"] + keys + [work.mountpoint.path])
        try Data("1".utf8).write(to: URL(fileURLWithPath: Self.errorSwitch(of: disk)))
        for (number, content) in contents.enumerated() {
            #expect(try Data(contentsOf: work.mounted("files/f\(number)")) == content)
        }
        // More at once than there were threads before.
        // Each line is written at once, or lines of several would mix.
        let look = "seq 200 | LC_ALL=C xargs -P 16 -I{} sh -c 'echo \"$(stat files/no-{} 2>&1)\"'"
        let many = try Program.shell(look, in: work.mountpoint)
        let isGone = many.lines.map { $0.hasSuffix("No such file or directory") }
        #expect(isGone.count == 200 && !isGone.contains(false), "\(many.text.prefix(300))")
        #expect(try Program.shell("sha256sum --quiet -c SHA256SUMS", in: work.mountpoint).code == 0)
        #expect(try Data(contentsOf: work.mounted("osnova.db")).starts(with: Data("SQLite format 3".utf8)))
        try work.unmount()
        try work.expect(0, ["verify"] + keys)
        #expect(try work.expect(77, ["pref", "set", "k", "1"] + root).errors.contains("read-only"))
        try work.expect(0, ["mount"] + keys + [work.mountpoint.path])
        #expect(try Data(contentsOf: work.mounted("files/f2")) == contents[2])
        try work.unmount()
        try work.expect(0, ["backup", "rescued"] + root)
        try work.expect(0, ["restore", "rescued"])
        try work.expect(0, ["verify"] + work.unlocking)
    }
}
