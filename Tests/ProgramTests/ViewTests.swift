import Foundation
import TestSupport
import Testing

/// What the mount shows beside the catalog: the data root's own files and the files that the driver makes up.
@Suite(.serialized, .enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
struct ViewTests {
    /// A store with a component that has files of its own, an orphaned one, and an identity.
    private func makeStore() throws -> Workspace {
        let work = try Workspace()
        for index in 0..<5 { try work.write("f\(index)", noise(1000 * index, seed: UInt64(index))) }
        try work.put((0..<5).map { "f\($0)" })
        try work.write("m.json", Data(#"{"id":"com.x/a","name":"A","version":"1.0.0","kind":"backend"}"#.utf8))
        try work.expect(0, ["component", "install", "m.json", "--artifact", "f1"] + work.unlocking)
        try work.write("root/components/com.x%2Fa/v1.0/config.json", Data("{}".utf8))
        try work.write("root/components/com.x%2Fa/v1.0/data/state", noise(200_000, seed: 8))
        try work.write("root/components/orphan/v2.3/config.json", Data("{}".utf8))
        try work.write("root/identity/user/keys.cocoon", Data("sealed".utf8))
        return work
    }

    /// Everything that stat tells, in the order of the listings, and what the generated files hold.
    private func portrait(_ work: Workspace) throws -> String {
        try Program.shell(
            """
            find . .osnovafs .osnovafs/stats.json blobs/SHA256SUMS -printf '%p %i %s %b %n %m %T@ %C@\\n' \
                | grep -av '^.osnovafs/[sm]'
            ls -fi . components 'components/com.x%2Fa'; sha256sum osnova.db SHA256SUMS
            """, in: work.mountpoint
        ).text
    }

    @Test func `the whole data root is there, and a remount changes nothing of it`() throws {
        let work = try makeStore()
        try work.mount()
        #expect(try Data(contentsOf: work.mounted("identity/user/keys.cocoon")) == Data("sealed".utf8))
        #expect(
            try Data(contentsOf: work.mounted("components/com.x%2Fa/v1.0/data/state")) == noise(200_000, seed: 8))
        #expect(try Data(contentsOf: work.mounted("components/orphan/v2.3/config.json")) == Data("{}".utf8))
        #expect(FileManager.default.fileExists(atPath: work.mounted("logs").path))
        let before = try portrait(work)
        #expect(before.contains("./osnova.db ") && before.contains("./SHA256SUMS ") && before.contains("manifest.json"))
        try work.remount()
        #expect(try portrait(work) == before)
    }

    @Test func `numbers and times survive a vacuum and a restore elsewhere`() throws {
        let work = try makeStore()
        try work.mount()
        // The database itself becomes another file, and with it its own lines and the time of the last change.
        let filter = { (text: String) in
            text.split(separator: "\n").filter { !$0.contains("osnova.db") && !$0.contains("./.changed") }
        }
        let before = filter(try portrait(work))
        try work.unmount()
        // The driver closes its databases after it has let go of the mount.
        #expect(eventually { try work.drivers().isEmpty })
        try work.sqlite("VACUUM")
        try Program.shell("cp -a root copy && rm -r root && mv copy root", in: work.folder)
        try work.mount()
        #expect(filter(try portrait(work)) == before)
    }

    /// Nanoseconds of such times do not fit into 64 bits, or their distance from now does not.
    @Test func `a directory of any time is listed, and the driver lives on`() throws {
        let work = try makeStore()
        let data = "root/components/com.x%2Fa/v1.0/data"
        try work.mount()
        for time in ["2300-01-01", "1700-01-01", "9999-01-01", "1901-12-14"] {
            try Program.shell("touch -d \(time) '\(data)' '\(data)/state'", in: work.folder)
            try Program.shell("touch -d \(time) components/com.x%2Fa/v1.0", in: work.root)
            try work.remount()
            let listing = try Program.shell("ls components/com.x%2Fa/v1.0/data", in: work.mountpoint)
            #expect(listing.code == 0 && listing.text == "state\n", "\(time): \(listing.errors)")
        }
    }

    @Test func `checksums are right without a byte being read, and change with what they tell of`() throws {
        let work = try makeStore()
        try work.put(["f4"], options: ["--as", "li\nne\\x"])
        try work.mount()
        let sums = try Data(contentsOf: work.mounted("SHA256SUMS"))
        #expect(try bytesRead(work, "blob") == 0)
        let check = try Program.shell(
            "sha256sum --strict --quiet -c SHA256SUMS && cd blobs && sha256sum --strict --quiet -c SHA256SUMS",
            in: work.mountpoint)
        #expect(check.code == 0, "\(check.text) \(check.errors)")
        #expect(sums.split(separator: UInt8(ascii: "\n")).count == 1 + 2 + 6 + 5)
        try work.write("new", Data("new".utf8))
        try work.put(["new"])
        #expect(
            eventually(within: 1) {
                try String(contentsOf: work.mounted("SHA256SUMS"), encoding: .utf8).contains("new")
            })
    }

    @Test func `an empty file is newer than everything in the catalog, and moves with the store`() throws {
        let work = try makeStore()
        try work.mount()
        let look = { try Program.shell("stat -c '%s %i %z' .changed", in: work.mountpoint).text }
        let newest = { () -> String in
            let find = "find . -path ./identity -prune -o -path ./logs -prune -o -path './components/*/v*' -prune"
            return try Program.shell(
                "\(find) -o -type f -printf '%C@ %p\\n' | sort -n | tail -1", in: work.mountpoint
            ).text
        }
        let first = try look()
        #expect(try first.hasPrefix("0 119 ") && newest().hasSuffix("./.changed\n"), "\(first)")
        try work.remount()
        #expect(try look() == first)
        try work.write("new", Data("new".utf8))
        try work.put(["new"])
        #expect(eventually { try look() != first })
        #expect(try newest().hasSuffix("./.changed\n") && look().hasPrefix("0 119 "))
    }

    @Test func `osnova.db is one sound state, and stays as it is for who holds it`() throws {
        let work = try makeStore()
        try work.mount()
        let database = work.mounted("osnova.db")
        let check = try Program.shell(
            "sqlite3 osnova.db 'pragma integrity_check; select count(*) from blobs'", in: work.mountpoint)
        #expect(check.text == "ok\n5\n", "\(check.errors)")
        let held = try FileHandle(forReadingFrom: database)
        let first = try Data(contentsOf: database)
        let half = try #require(try held.read(upToCount: first.count / 2))
        try work.write("new", Data("new".utf8))
        try work.put(["new"])
        #expect(eventually(within: 1) { try Data(contentsOf: database) != first })
        #expect(try half + (held.readToEnd() ?? Data()) == first)
        try held.seek(toOffset: 0)
        #expect(try held.readToEnd() == first)
        let inode = try Program.shell("stat -c %i osnova.db; ls -i | grep -a osnova.db", in: work.mountpoint)
        #expect(
            inode.lines == ["23", "     23 osnova.db"]
                || inode.lines.map { $0.trimmingCharacters(in: .whitespaces) } == ["23", "23 osnova.db"])
        // Nothing of the copies is left beside the database.
        let left = try FileManager.default.contentsOfDirectory(atPath: work.root.path)
        #expect(!left.contains { $0.hasPrefix(".view-") }, "\(left)")
    }

    @Test func `the data root's files are seen as they are now`() throws {
        let work = try makeStore()
        try work.mount()
        let mounted = work.mounted("components/com.x%2Fa/v1.0/config.json")
        let host = "root/components/com.x%2Fa/v1.0/config.json"
        for round in 0..<20 {
            // Sizes that repeat: only the time tells the kernel that its page is old.
            let content = Data("{\"round\": \(round % 2)\(round / 2)}".utf8)
            try work.write(host, content)
            #expect(try Data(contentsOf: mounted) == content)
        }
        let versions = {
            try FileManager.default.contentsOfDirectory(atPath: work.mounted("components/com.x%2Fa").path)
        }
        #expect(try versions().contains("v1.0"))
        let time = try Program.shell("stat -c %y 'components/com.x%2Fa'", in: work.mountpoint).text
        try work.write("root/components/com.x%2Fa/v1.1/config.json", Data("{}".utf8))
        try work.write("root/components/com.x%2Fa/notes", Data("no version".utf8))
        #expect(eventually(within: 1) { try Set(versions()).isSuperset(of: ["v1.0", "v1.1", "manifest.json"]) })
        #expect(try !versions().contains("notes"))
        #expect(try Program.shell("stat -c %y 'components/com.x%2Fa'", in: work.mountpoint).text != time)
        try Program.shell("rm -r 'components/com.x%2Fa/v1.0'", in: work.root)
        #expect(eventually(within: 1) { try !versions().contains("v1.0") })
        #expect(!FileManager.default.fileExists(atPath: mounted.path))
        try work.write("root/components/late/v0.1/x", Data("x".utf8))
        #expect(
            eventually(within: 1) {
                FileManager.default.fileExists(atPath: work.mounted("components/late/v0.1/x").path)
            })
    }

    @Test func `a file that takes another's name has another number, and the other's readers keep it`() throws {
        let work = try makeStore()
        try work.mount()
        let log = work.mounted("identity/user/keys.cocoon")
        let number = { try Program.shell("stat -c %i \(log.path)").text }
        let before = try number()
        let held = try FileHandle(forReadingFrom: log)
        #expect(try held.read(upToCount: 1) == Data("s".utf8))
        try Program.shell(
            "printf other! > new && mv new keys.cocoon", in: work.root.appendingPathComponent("identity/user"))
        #expect(try Data(contentsOf: log) == Data("other!".utf8))
        #expect(try number() != before)
        #expect(try held.readToEnd() == Data("ealed".utf8))
    }

    @Test func `links that lead out, devices, FIFOs, sockets and odd names do no harm`() throws {
        let work = try makeStore()
        let data = work.root.appendingPathComponent("components/com.x%2Fa/v1.0/data")
        let made = try Program.shell(
            """
            ln -s /etc/passwd out; ln -s ../../../../../phrase up; mkfifo fifo; mknod null c 1 3
            python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
            printf x > $'\\xff\\xfe'; mkdir deep; ln -s .. deep/loop; printf y > deep/file
            """, in: data)
        #expect(made.code == 0, "\(made.errors)")
        try work.mount()
        let mounted = work.mounted("components/com.x%2Fa/v1.0/data")
        let names = try Program.shell("LC_ALL=C ls -A1 --quoting-style=escape", in: mounted).lines
        #expect(Set(names) == ["\\377\\376", "deep", "out", "state", "up"])
        #expect(
            try Program.shell("readlink out up; cat deep/loop/deep/file $'\\xff\\xfe'", in: mounted).text
                == "/etc/passwd\n../../../../../phrase\nyx")
        for special in ["fifo", "null", "socket"] {
            #expect(try Program.shell("timeout 5 cat \(special)", in: mounted).errors.contains("No such file"))
        }
        // A directory of the way becomes a link while the mount is up.
        try Program.shell("mv deep away && ln -s /etc deep", in: data)
        #expect(try Program.shell("stat -c %F deep", in: mounted).text == "symbolic link\n")
        try Program.shell("rm -r ../../v1.0 && ln -s /etc ../../v1.0", in: data)
        #expect(
            eventually(within: 1) {
                try Program.shell("cat 'components/com.x%2Fa/v1.0/passwd'", in: work.mountpoint).code != 0
            })
    }

    @Test func `a file that shrinks while it is read ends early and nothing worse`() throws {
        let work = try makeStore()
        try work.mount()
        let host = work.root.appendingPathComponent("components/com.x%2Fa/v1.0/data/state")
        let reader = try FileHandle(forReadingFrom: work.mounted("components/com.x%2Fa/v1.0/data/state"))
        #expect(try reader.read(upToCount: 4096)?.count == 4096)
        #expect(truncate(host.path, 5000) == 0)
        #expect(try Data(contentsOf: work.mounted("components/com.x%2Fa/v1.0/data/state")).count == 5000)
        #expect(try (reader.readToEnd() ?? Data()).count < 200_000)
    }

    @Test func `a listing neither doubles nor loses entries while others come and go, and can be resumed anywhere`()
        throws
    {
        let work = try makeStore()
        try Program.shell(
            "mkdir many && cd many && seq 5000 | xargs touch", in: work.root.appendingPathComponent("logs"))
        try work.mount()
        let script = """
            import os, ctypes, sys
            libc = ctypes.CDLL(None, use_errno=True)
            class D(ctypes.Structure):
                _fields_ = [("ino", ctypes.c_ulong), ("off", ctypes.c_long), ("len", ctypes.c_ushort), ("type", ctypes.c_ubyte), ("name", ctypes.c_char * 256)]
            libc.opendir.restype = ctypes.c_void_p
            libc.readdir.argtypes = libc.telldir.argtypes = libc.closedir.argtypes = [ctypes.c_void_p]
            libc.readdir.restype = ctypes.POINTER(D); libc.telldir.restype = ctypes.c_long
            libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]
            def names(stream):
                out = []
                while True:
                    e = libc.readdir(stream)
                    if not e: return out
                    out.append((libc.telldir(stream), e.contents.name))
            path, host = sys.argv[1].encode(), sys.argv[2]
            stream = libc.opendir(path); first = [libc.readdir(stream).contents.name for _ in range(1000)]
            for n in range(1, 5001, 3): os.unlink(f"{host}/{n}")
            for n in range(2000): open(f"{host}/new{n}", "w").close()
            seen = first + [name for _, name in names(stream)]
            survivors = {str(n).encode() for n in range(1, 5001) if n % 3 != 1}
            assert len(seen) == len(set(seen)), "doubled"
            assert survivors <= set(seen), "lost"
            libc.closedir(stream); stream = libc.opendir(path); all = names(stream)
            for k in range(0, len(all) - 1, 97):
                libc.seekdir(stream, all[k][0]); assert libc.readdir(stream).contents.name == all[k + 1][1], "seekdir"
            """
        try work.write("list.py", Data(script.utf8))
        let outcome = try Program.run(
            "/usr/bin/python3",
            [work.folder.path + "/list.py", work.mounted("logs/many").path, work.root.path + "/logs/many"])
        #expect(outcome.code == 0, "\(outcome.errors)")
    }

    @Test func `metrics count what was read`() throws {
        let work = try makeStore()
        try work.mount()
        #expect(try bytesRead(work, "blob") == 0)
        #expect(try Data(contentsOf: work.mounted("files/f3")).count == 3000)
        #expect(try bytesRead(work, "blob") == 3000)
        let text = try String(contentsOf: work.mounted(".osnovafs/metrics"), encoding: .utf8)
        #expect(text.contains("# TYPE osnovafs_request_duration_seconds histogram"))
        #expect(text.contains("osnovafs_request_duration_seconds_bucket{operation=\"read\",le=\"+Inf\"}"))
        let stats = try JSONSerialization.jsonObject(with: Data(contentsOf: work.mounted(".osnovafs/stats.json")))
        let blobs = try #require((stats as? [String: Any])?["blobs"] as? [String: Int])
        #expect(blobs["count"] == 5 && blobs["plain_bytes"] == 10_000)
    }

    private func bytesRead(_ work: Workspace, _ content: String) throws -> Int? {
        try String(contentsOf: work.mounted(".osnovafs/metrics"), encoding: .utf8).split(separator: "\n")
            .first { $0.hasPrefix("osnovafs_read_bytes_total{content=\"\(content)\"}") }
            .flatMap { $0.split(separator: " ").last }.flatMap { Int($0) }
    }
}

/// What the program says of the machine, and what ordinary users can do.
@Suite(.serialized, .enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
struct MachineTests {
    @Test func `doctor mounts twice, finds nothing changed, and tells how to back up`() throws {
        let work = try Workspace()
        for index in 0..<30 { try work.write("src/f\(index)", noise(1000 + index, seed: UInt64(index))) }
        try work.put(["src"], options: ["-r"])
        let outcome = try work.expect(0, ["doctor", "--json"] + work.unlocking)
        let report = try #require(try outcome.json() as? [String: Any])
        let checks = try #require(report["checks"] as? [[String: String]])
        #expect(!checks.contains { $0["state"] == "bad" }, "\(outcome.text)")
        #expect(checks.last?["subject"] == "two mounts" && checks.last?["state"] == "good", "\(outcome.text)")
        #expect(Set((report["commands"] as? [String: String] ?? [:]).keys) == ["tar", "rsync", "restic", "borg"])
        #expect(try work.expect(0, ["doctor"]).text.contains("not tried"))
        // Where it cannot mount, it says what it found otherwise.
        let nowhere = try work.expect(0, ["doctor"] + work.unlocking, environment: ["TMPDIR": "/nowhere"]).text
        #expect(nowhere.contains("fusermount3") && nowhere.contains("not tried: making a directory"))
        #expect(try Program.shell("ls -d ${TMPDIR:-/tmp}/osnovafs-doctor-*").lines.isEmpty)
    }

    @Test(.enabled(if: Self.canBeNobody, "SKIPPED: needs root, runuser, unshare and fusermount3"))
    func
        `an ordinary user makes, mounts, reads and unmounts a store of his own`() throws
    {
        let work = try Workspace(initialize: false)
        let home = "/tmp/osnovafs-nobody-\(UUID().uuidString)"
        defer { _ = try? Program.shell("rm -rf \(home)") }
        // In a namespace of its own, where everybody may open the device.
        let script = """
            mkdir -p \(home)/mnt && cd \(home) || exit 1
            cp \(Program.path) osnovafs && cp \(work.phraseFile.path) phrase && echo hello >f && chown -R nobody .
            mknod device c 10 229 && chmod 666 device && mount --bind device /dev/fuse || exit 2
            nobody() { runuser -u nobody -- env OSNOVA_DATA_ROOT=\(home)/root bash -c "$1"; }
            nobody './osnovafs init --phrase-file phrase && ./osnovafs put f --phrase-file phrase' || exit 3
            nobody './osnovafs mount mnt --phrase-file phrase' || exit 4
            nobody 'cat mnt/files/f; stat -c %U mnt/files/f; ls mnt mnt/logs; cd mnt; sha256sum -c SHA256SUMS'
            echo "root: $(ls mnt 2>&1)"
            nobody './osnovafs unmount mnt' || exit 5
            nobody './osnovafs mount -o allow_other mnt --phrase-file phrase'; echo "other: $?"
            umount -l mnt 2>/dev/null; exit 0
            """
        let outcome = try Program.run("/usr/bin/unshare", ["-m", "/bin/bash", "-c", script])
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.text.contains("hello\nnobody\n") && outcome.text.contains("osnova.db"), "\(outcome.text)")
        #expect(outcome.text.contains("files/f: OK"), "\(outcome.text)")
        // Without allow_other not even root sees an ordinary user's mount.
        #expect(outcome.text.contains("root: ls: cannot") && outcome.text.contains("Permission denied"))
        if try Program.shell("grep -qx user_allow_other /etc/fuse.conf").code != 0 {
            #expect(outcome.text.contains("other: 77") && outcome.errors.contains("user_allow_other"))
        }
    }

    private static let canBeNobody =
        getuid() == 0
        && ["/usr/sbin/runuser", "/usr/bin/fusermount3", "/usr/bin/unshare"].allSatisfy {
            FileManager.default.isExecutableFile(atPath: $0)
        }
}
