import Foundation
import TestSupport
import Testing

/// Files of the data root that other programs change behind the kernel's back.
@Suite(.serialized, .enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
struct HostFileTests {
    /// A mounted store.
    private func mounted() throws -> Workspace {
        let work = try Workspace()
        try work.mount()
        return work
    }

    private func onDisk(_ line: String, _ work: Workspace) throws {
        let outcome = try Program.shell(line, in: work.root.appendingPathComponent("logs"))
        #expect(outcome.code == 0, "\(outcome.errors)")
    }

    @Test func `a file that was replaced by one with its size and time is another file`() throws {
        let work = try mounted()
        let look = { try Program.shell("cat logs/a; stat -c ' %i %Z' logs/a", in: work.mountpoint).text }
        try onDisk("printf v1.0.1 >a; touch -d @499162500 a", work)
        let before = try look()
        #expect(before.hasPrefix("v1.0.1 "))
        try onDisk("printf v1.0.2 >new; touch -d @499162500 new; mv new a", work)
        let after = try look()
        #expect(after.hasPrefix("v1.0.2 ") && after.split(separator: " ")[1] != before.split(separator: " ")[1])
        try work.remount()
        #expect(try look() == after)
    }

    @Test func `a directory that was replaced by one with its time is listed anew`() throws {
        let work = try mounted()
        let list = { try Program.shell("ls logs/d", in: work.mountpoint).text }
        try onDisk("mkdir d; touch d/one; touch -d @499162500 d", work)
        #expect(try list() == "one\n")
        try onDisk("mkdir new; touch new/two; touch -d @499162500 new; mv d old; mv new d", work)
        #expect(try list() == "two\n")
    }

    @Test func `an entry is listed though its directory's time was set back`() throws {
        let work = try mounted()
        let list = { try Program.shell("ls logs/d", in: work.mountpoint).text }
        try onDisk("mkdir d; touch d/one; touch -d 2020-01-01 d", work)
        #expect(try list() == "one\n")
        // Past the time in which a directory is numbered at each listing.
        #expect(
            eventually {
                try Program.shell(
                    "test $(date -d '-3 seconds' +%s) -gt $(stat -c %Z d)", in: work.root.appendingPathComponent("logs")
                ).code == 0
            })
        #expect(try list() == "one\n")
        try onDisk("touch d/two; touch -d 2020-01-01 d", work)
        #expect(eventually(within: 2) { try list() == "one\ntwo\n" })
        try work.remount()
        #expect(try list() == "one\ntwo\n")
    }

    @Test func `a file that was overwritten in place has its new content though its time was set back`() throws {
        let work = try mounted()
        let content = { try Program.shell("cat logs/a; stat -c ' %i' logs/a", in: work.mountpoint).text }
        try onDisk("printf v1.0.1 >a; touch -d @499162500 a", work)
        let before = try content()
        try onDisk("printf v1.0.2 >a; touch -d @499162500 a", work)
        #expect(eventually(within: 2) { try content() == before.replacing("v1.0.1", with: "v1.0.2") })
    }

    @Test func `a removed file gives its room back when nobody has it open, though nobody looks at it`() throws {
        let work = try mounted()
        let driver = try #require(work.drivers().first)
        let removed = { try Program.shell("readlink /proc/\(driver)/fd/* | grep -c '(deleted)'").text }
        let none = try removed()
        let content = try work.write("root/logs/held", noise(500_000, seed: 1))
        try work.write("root/logs/read", content)
        let held = try FileHandle(forReadingFrom: work.mounted("logs/held"))
        #expect(try held.read(upToCount: 10) == content.prefix(10))
        #expect(try Data(contentsOf: work.mounted("logs/read")) == content)
        try onDisk("rm held read", work)
        #expect(try removed() != none)
        #expect(eventually { try !Program.shell("readlink /proc/\(driver)/fd/*").text.contains("logs/read") })
        #expect(try held.readToEnd() == content.dropFirst(10))
        try held.close()
        #expect(eventually { try removed() == none })
    }

    @Test(arguments: ["noise", "table"])
    func `a store whose book of numbers is damaged is mounted all the same`(how: String) throws {
        let work = try Workspace()
        try work.write("root/logs/a", Data("a".utf8))
        try work.mount()
        #expect(try Data(contentsOf: work.mounted("logs/a")) == Data("a".utf8))
        try work.unmount()
        #expect(eventually { try work.drivers().isEmpty })
        if how == "noise" {
            try work.write("root/view.db", noise(100_000, seed: 1))
        } else {
            try Program.run("/usr/bin/sqlite3", [work.root.path + "/view.db", "DROP TABLE entries"])
        }
        try work.mount()
        #expect(try Data(contentsOf: work.mounted("logs/a")) == Data("a".utf8))
        let log = work.root.appendingPathComponent("logs/osnova.log")
        #expect(eventually { try String(contentsOf: log, encoding: .utf8).contains("begun anew") })
    }
}
