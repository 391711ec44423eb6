import Glibc
import Primitives
import Testing

@testable import Mounting

@Suite struct MountOptionsTests {
    private func parse(_ lists: String...) throws -> MountOptions { try MountOptions(parsing: lists) }

    @Test func `without options files are the process's and nobody else's`() throws {
        let options = try parse()
        #expect(options == MountOptions() && options.user == getuid() && options.group == getgid())
        #expect(options.umask == 0 && !options.allowOther && options.source == nil)
    }

    @Test func `options are read in order, and the last wins`() throws {
        let options = try parse("uid=1,gid=2,umask=077,allow_other,noexec", "uid=3,umask=22,nonempty,debug,fsname=a=b")
        #expect(options.user == 3 && options.group == 2 && options.umask == 0o22 && options.allowOther)
        #expect(options.forbidsPrograms && options.allowsNonEmpty && options.debug && options.source == "a=b")
        #expect(try !parse("noexec,exec").forbidsPrograms)
    }

    @Test func `a comma or a backslash in a value is escaped`() throws {
        #expect(try parse(#"fsname=/a\,b\\c,uid=5"#).source == #"/a,b\c"#)
        for value in ["plain", "a,b", #"back\slash"#, #"\,"#, ",,", "é,\u{301}x"] {
            #expect(try parse("fsname=\(OptionList.escape(value))").source?.utf8.elementsEqual(value.utf8) == true)
        }
    }

    @Test(arguments: [
        "rw", "uid=", "uid=-1", "uid=+1", "uid=x", "uid=4294967295", "uid=4294967296", "uid=1 ", "uid=١",
        "gid=99999999999999999999",
        "umask=8", "umask=1000", "umask=-1", "umask=0x1", "umask", "uid", "nonsense", "nonsense=1",
        "allow_other,allow_root",
        "ALLOW_OTHER", "allow_other=1",
    ]) func `what is wrong is refused`(list: String) {
        #expect(kind { _ = try parse(list) } == .usage)
    }

    @Test(arguments: [
        "", ",,", "ro", "defaults,auto,noauto,user,_netdev,nofail", "x-systemd.automount,x-gvfs-show", "comment=x",
        "nosuid,nodev,relatime", "subtype=x",
    ]) func `what mount(8) and fstab(5) add means nothing here`(list: String) throws {
        #expect(try parse(list) == MountOptions())
    }
}

@Suite struct MountTableTests {
    private func parse(_ text: String) -> [MountedFilesystem] { MountTable.parse(Array(text.utf8)) }

    @Test func `mounts are found whatever optional fields they have`() {
        let table = parse(
            """
            36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
            37 35 0:45 / /plain ro - fuse.osnovafs /root ro
            38 35 0:46 / /many ro shared:1 master:2 propagate_from:3 - tmpfs - rw
            """)
        #expect(
            table == [
                MountedFilesystem(device: "98:0", path: "/mnt2", type: "ext3"),
                MountedFilesystem(device: "0:45", path: "/plain", type: "fuse.osnovafs"),
                MountedFilesystem(device: "0:46", path: "/many", type: "tmpfs"),
            ])
        #expect(table.map(\.isOwn) == [false, true, false])
    }

    @Test(arguments: [
        (#"/a\040b"#, "/a b"), (#"/\134040"#, #"/\040"#), (#"/tab\011\012"#, "/tab\t\n"), (#"/\303\251"#, "/é"),
        (#"/end\04"#, #"/end\04"#), (#"/\999"#, #"/\999"#), (#"/\400"#, #"/\400"#), (#"/\"#, #"/\"#),
    ]) func `escapes in a path are resolved`(field: String, path: String) {
        #expect(parse("37 35 0:45 / \(field) ro - fuse x ro").map(\.path) == [path])
    }

    @Test(arguments: [
        "", "\n\n", "1 2 3", "37 35 0:45 / /p ro shared:1 fuse x ro", "37 35 0:45 / /p ro -", "- - - - - - -",
    ])
    func `a line that is no mount is passed over`(text: String) {
        #expect(parse(text) == [])
        #expect(parse(text + "\n37 35 0:45 / /p ro - fuse x ro\n").count == 1)
    }

    @Test func `the mounts of this process are read`() throws {
        let table = try MountTable.read()
        #expect(table.contains { $0.path == "/proc" && $0.type == "proc" })
        #expect(try MountTable.filesystem(at: "/proc")?.type == "proc")
        #expect(try MountTable.filesystem(at: "/proc/") == nil)
    }
}
