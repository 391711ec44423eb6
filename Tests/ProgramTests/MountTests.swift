import Foundation
import TestSupport
import Testing

/// The mount as other programs see it.
@Suite(.serialized, .enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
struct MountTests {
    /// A source tree of many sizes with a file of 300 MB in it.
    private func makeSources(_ work: Workspace) throws -> URL {
        let source = work.folder.appendingPathComponent("src")
        var sizes = [0, 1, 63, 64, 65, 4095, 4096, 4097, 65_535, 65_536, 65_537, 131_072, 1 << 20, (1 << 20) + 1]
        sizes += (0..<3000).map { ($0 * 37) % 9000 }
        for (index, size) in sizes.enumerated() {
            let name =
                index % 3 == 0 ? "plain-\(index)" : index % 3 == 1 ? "spa ce/ž \(index)" : "d/e/e/p/100% \(index)"
            try work.write("src/\(name)", noise(size, seed: UInt64(index)))
        }
        try noise(300 << 20, seed: 77).write(to: source.appendingPathComponent("large"))
        try Program.shell(
            "mkdir empty; ln -s plain-0 link; printf x > 'new\nline'; printf y > $'\\xff\\xfe'", in: source)
        return source
    }

    @Test func `a tree that was put is read back by diff, sha256sum and eight readers at once`() throws {
        let work = try Workspace()
        let source = try makeSources(work)
        let sums = try work.put(["src"], options: ["-r"])
        #expect(sums.lines.count >= 3010)
        try work.write("sums", sums.output)
        try work.mount()
        let diff = try Program.run(
            "/usr/bin/diff", ["-r", "--no-dereference", source.path, work.mounted("files/src").path])
        #expect(diff.code == 0, "\(diff.text.prefix(2000)) \(diff.errors)")
        let check = try Program.shell("sha256sum --quiet -c ../../sums", in: work.mounted("files"))
        #expect(check.code == 0, "\(check.text.prefix(2000)) \(check.errors)")
        try work.remount()
        let parallel = try Program.shell(
            """
            for i in 1 2 3 4 5 6 7 8; do (find . -type f -print0 | xargs -0 sha256sum | sha256sum) & done | sort -u
            """, in: work.mounted("files/src"))
        let expected = try Program.shell("find . -type f -print0 | xargs -0 sha256sum | sort | sha256sum", in: source)
        #expect(parallel.lines.count == 1)
        let sorted = try Program.shell(
            "find . -type f -print0 | xargs -0 sha256sum | sort | sha256sum", in: work.mounted("files/src"))
        #expect(sorted.text == expected.text)
        try comparePieces(source.appendingPathComponent("large"), work.mounted("files/src/large"))
    }

    /// Random `pread`s and a memory map.
    private func comparePieces(_ source: URL, _ mounted: URL) throws {
        let content = try Data(contentsOf: source, options: .alwaysMapped)
        let mapped = try Data(contentsOf: mounted, options: .alwaysMapped)
        let file = try FileHandle(forReadingFrom: mounted)
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            let start = Int.random(in: 0..<content.count, using: &generator)
            let end = min(content.count, start + Int.random(in: 1...200_000, using: &generator))
            try file.seek(toOffset: UInt64(start))
            #expect(try file.read(upToCount: end - start) == content[start..<end], "pread at \(start)..<\(end)")
            #expect(mapped[start..<end] == content[start..<end], "mmap at \(start)..<\(end)")
        }
        #expect(mapped == content)
    }

    @Test func `a program runs from the mount`() throws {
        let work = try Workspace()
        try Program.shell(
            "cp /usr/bin/sha256sum tool; printf '#!/bin/sh\\necho from a script\\n' > script", in: work.folder)
        try work.put(["tool", "script"])
        try work.mount()
        let direct = try Program.run(work.mounted("files/tool").path, [work.phraseFile.path])
        #expect(direct.text == (try Program.run("/usr/bin/sha256sum", [work.phraseFile.path])).text)
        #expect(try Program.run(work.mounted("files/script").path, []).text == "from a script\n")
    }

    @Test func `names are hard links of one inode, with true counts and times that a remount keeps`() throws {
        let work = try Workspace()
        try work.write("icon.png", Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) + noise(900, seed: 3))
        let app = #"{"id":"ant://app/1","name":"App","version":"2","description":"d","components":[{"id":"c%1"}]}"#
        try work.write("app.json", Data(app.utf8))
        let hash = String(try work.put(["icon.png"], options: ["--as", "pictures/icon"]).text.prefix(64))
        try work.expect(0, ["app", "install", "app.json", "--icon", "icon.png"] + work.unlocking)
        try work.expect(0, ["cache", "put", "ant://x", "icon.png"] + work.unlocking)
        try work.mount()
        let names = [
            "blobs/\(hash)", "files/pictures/icon", "apps/ant:%2F%2Fapp%2F1/icon.png", "cache/ant:%2F%2Fx",
        ]
        let look = "stat -c '%i %h %s %a %Y %Z' -- " + names.map { "'\($0)'" }.joined(separator: " ")
        let before = try Program.shell(look, in: work.mountpoint)
        #expect(before.code == 0, "\(before.errors)")
        #expect(Set(before.lines).count == 1, "one inode: \(before.text)")
        #expect(before.text.split(separator: " ").dropFirst().prefix(3) == ["4", "908", "444"])
        let link = try Program.shell("readlink 'apps/ant:%2F%2Fapp%2F1/components/c%251'", in: work.mountpoint)
        #expect(link.text == "../../../components/c%251\n")
        let everything = "find . -printf '%p %i %s %b %n %m %T@ %C@\\n'"
        let tree = try Program.shell(everything, in: work.mountpoint).text
        try work.remount()
        #expect(try Program.shell(look, in: work.mountpoint).text == before.text)
        #expect(try Program.shell(everything, in: work.mountpoint).text == tree)
        let manifest = try Data(contentsOf: work.mounted("apps/ant:%2F%2Fapp%2F1/manifest.json"))
        #expect(manifest == Data(app.utf8))
    }

    @Test func `the tree is read-only, says how large its disk is, and knows its extended attributes`() throws {
        let work = try Workspace()
        try work.write("f", noise(5000, seed: 5))
        let hash = String(try work.put(["f"]).text.prefix(64))
        try work.mount()
        for attempt in ["touch files/new", "rm files/f", "echo x > files/f", "mkdir d", "chmod 777 files/f"] {
            let outcome = try Program.shell(attempt, in: work.mountpoint)
            #expect(outcome.code != 0 && outcome.errors.contains("Read-only"), "\(attempt): \(outcome.errors)")
        }
        #expect(try Program.shell("stat -c '%b' files/f", in: work.mountpoint).text == "10\n")
        #expect(try Program.shell("stat -f -c '%s %S' .", in: work.mountpoint).text.split(separator: " ").count == 2)
        let attributes = try Program.shell("getfattr -d -m - files/f", in: work.mountpoint).text
        #expect(attributes.contains("user.osnova.sha256=\"\(hash)\""))
        #expect(attributes.contains("user.osnova.stored_size=\"5028\""))
        let options = try Program.shell("findmnt -n -o FSTYPE,OPTIONS \(work.mountpoint.path)").text
        #expect(options.hasPrefix("fuse.osnovafs"))
        for option in ["ro", "nosuid", "nodev", "default_permissions"] { #expect(options.contains(option)) }
    }

    @Test func `mounting where it must not be says why and mounts nothing`() throws {
        let work = try Workspace()
        try work.write("full/file", Data())
        let mount = ["mount"] + work.unlocking
        try work.expect(73, mount + ["full"])
        try work.expect(66, mount + ["nowhere"])
        try work.expect(64, mount + [work.root.path])
        try work.expect(64, mount + [work.root.path + "/identity"])
        try work.expect(64, mount + ["-o", "rw", work.mountpoint.path])
        try work.expect(64, mount + ["-o", "nonsense", work.mountpoint.path])
        try work.mount()
        try work.expect(75, mount + [work.mountpoint.path])
        #expect(try Program.shell("findmnt -n \(work.mountpoint.path) | wc -l").text == "1\n")
    }

    @Test(arguments: [64, 128]) func `a driver with few descriptors serves many files, and lives`(limit: Int) throws {
        let work = try Workspace()
        for index in 0..<400 { try work.write("src/f\(index)", Data("content \(index)\n".utf8)) }
        try work.put(["src"], options: ["-r"])
        let mount = "\(Program.path) mount mnt --phrase-file \(work.phraseFile.path) --data-root root"
        let mounted = try Program.shell("ulimit -n \(limit) && \(mount)", in: work.folder)
        #expect(mounted.code == 0, "\(mounted.errors)")
        let readers =
            "for n in 1 2 3 4 5 6; do cat files/src/* > ../out$n 2>> ../errors & done; wait; cat ../out* | wc -l"
        let read = try Program.shell(readers, in: work.mountpoint)
        // Where threads have used up what there is, a read may fail; the mount goes on.
        if limit > 64 {
            #expect(read.lines == ["2400"])
            #expect(try Program.shell("cat files/src/f7", in: work.mountpoint).text == "content 7\n")
        }
        #expect(try work.drivers().count == 1)
        try work.unmount()
    }

    /// Where threads share the table of descriptors, to make it larger holds up whoever opens a file for 13 ms.
    @Test func `a driver has room for its descriptors before it has threads`() throws {
        let work = try Workspace()
        try work.mount()
        let driver = try #require(work.drivers().first)
        let size = try Program.shell("awk '/^FDSize/ { print $2 }' /proc/\(driver)/status; ulimit -Hn").lines
        try #expect(#require(Int(size[0])) >= min(8192, Int(size[1]) ?? .max))
        try work.unmount()
    }

    @Test func `a driver that does not answer is told of and unmounted`() throws {
        let work = try Workspace()
        try work.mount()
        let driver = try #require(try work.drivers().first)
        kill(driver, SIGSTOP)
        defer { kill(driver, SIGCONT) }
        #expect(try work.run(["doctor"] + work.unlocking).text.contains("\(work.mountpoint.path) (does not answer)"))
        let refused = try work.expect(75, ["mount"] + work.unlocking + [work.mountpoint.path])
        #expect(refused.errors.contains("does not answer"), "\(refused.errors)")
        let waiting = Process()
        waiting.executableURL = URL(fileURLWithPath: "/usr/bin/stat")
        waiting.arguments = [work.mountpoint.path + "/nothing"]
        waiting.standardError = FileHandle.nullDevice
        try waiting.run()
        try work.expect(0, ["unmount", work.mountpoint.path])
        // The kernel gives up the driver, so that nobody waits for it.
        #expect(eventually { !waiting.isRunning })
        kill(driver, SIGCONT)
        #expect(eventually { try work.drivers().isEmpty })
        try work.mount()
    }

    @Test func `a driver that was killed leaves a mount that the next mount clears`() throws {
        let work = try Workspace()
        try work.write("f", Data("still here".utf8))
        try work.put(["f"])
        try work.mount()
        let driver = try #require(try work.drivers().first)
        kill(driver, SIGKILL)
        #expect(eventually { try work.drivers().isEmpty })
        let dead = try Program.shell("ls \(work.mountpoint.path)")
        #expect(dead.code != 0 && dead.errors.contains("not connected"), "an empty tree would be taken for the truth")
        try work.mount()
        #expect(try Data(contentsOf: work.mounted("files/f")) == Data("still here".utf8))
    }

    @Test func `a driver that dies before it serves fails its mount`() throws {
        let work = try Workspace()
        let mount = "\(Program.path) mount mnt --phrase-file phrase --data-root root"
        // The command itself changes nothing on a disk, so it is the driver that dies.
        let outcome = try Program.shell("OSNOVAFS_CRASH_AT=1 timeout --signal=KILL 20 \(mount)", in: work.folder)
        #expect(outcome.code == 69, "\(outcome.errors)")
        #expect(outcome.errors.contains("the driver ended before it served"), "\(outcome.errors)")
        try work.mount()
    }

    @Test func `an unmount returns when the driver has ended`() throws {
        let work = try Workspace()
        for _ in 0..<5 {
            try work.mount()
            // Nothing that a backup of extended attributes would see.
            #expect(try Program.shell("getfattr -d -m - .", in: work.mountpoint).text == "")
            try work.unmount()
            #expect(try work.drivers() == [])
        }
    }

    @Test func `a mount that is seen at two places is unmounted at one`() throws {
        let work = try Workspace()
        try work.write("f", Data("here".utf8))
        try work.put(["f"])
        try work.mount()
        let other = work.folder.appendingPathComponent("other").path
        #expect(try Program.shell("mkdir \(other) && mount --bind \(work.mountpoint.path) \(other)").code == 0)
        defer { _ = try? Program.shell("umount --lazy \(other)") }
        // The driver serves on: nobody waits for it.
        try work.unmount()
        #expect(try Program.shell("cat \(other)/files/f").text == "here")
        try work.expect(0, ["unmount", other])
        #expect(try work.drivers() == [])
    }

    @Test func `a driver that ends late leaves the next mount on its path alone`() throws {
        let work = try Workspace()
        try work.write("f", Data("here".utf8))
        try work.put(["f"])
        try work.mount()
        for _ in 0..<10 {
            let previous = try work.drivers()
            // The program's own unmount would wait for the driver.
            #expect(try Program.run("/usr/bin/umount", [work.mountpoint.path]).code == 0)
            try work.mount()
            #expect(eventually { try Set(previous).isDisjoint(with: work.drivers()) })
            #expect(try Data(contentsOf: work.mounted("files/f")) == Data("here".utf8))
        }
    }

    @Test(arguments: [SIGTERM, SIGINT]) func `a signal unmounts cleanly`(signal: Int32) throws {
        let work = try Workspace()
        try work.mount()
        let driver = try #require(try work.drivers().first)
        kill(driver, signal)
        #expect(eventually { try Program.shell("findmnt \(work.mountpoint.path)").code != 0 })
        #expect(eventually { try work.drivers().isEmpty })
        try work.mount()
    }

    @Test func `the mount helper mounts as fstab would have it`() throws {
        let work = try Workspace()
        try work.write("f", Data("x".utf8))
        try work.put(["f"])
        let helper = Program.repository.appendingPathComponent("mount-helpers/mount.osnovafs").path
        let mounted = try Program.run(
            helper,
            [
                work.root.path, work.mountpoint.path, "-n", "-o",
                "rw,nofail,_netdev,x-systemd.automount,phrase-file=\(work.phraseFile.path)",
            ], environment: ["OSNOVAFS": Program.path])
        #expect(mounted.code == 0, "\(mounted.errors)")
        #expect(try Data(contentsOf: work.mounted("files/f")) == Data("x".utf8))
        try work.unmount()
    }
}
