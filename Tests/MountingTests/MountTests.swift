import Foundation
import Glibc
import Primitives
import Synchronization
import TestSupport
import Testing
import Tree

@testable import Mounting

/// Everything that mounts, one mount at a time: the signals of a process belong to one mount.
@Suite(.serialized, .enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
struct MountTests {
    private static let kinds: [(OsnovaError.Kind, Int32)] = [
        (.notFound, ENOENT), (.denied, EACCES), (.usage, EINVAL), (.busy, EIO), (.damaged, EIO), (.inputOutput, EIO),
        (.unavailable, EIO), (.cannotCreate, EIO),
    ]

    private func content(_ text: String) -> MemoryTree.File { MemoryTree.File(content: Array(text.utf8)) }

    @Test func `an error of the tree becomes the errno that programs know, and EIO is reported`() throws {
        let mounted = try Mounted()
        let tree = mounted.tree
        for (index, (kind, errorNumber)) in Self.kinds.enumerated() {
            let error = OsnovaError(kind, "made to fail \(index)")
            let directory = tree.add("d\(index)", MemoryTree.File(kind: .directory))
            let link = tree.add("l\(index)", MemoryTree.File(kind: .symbolicLink, content: [120]))
            let file = tree.add("f\(index)", content("x"))
            tree.fail(.lookup, of: directory, error)
            tree.fail(.list, of: directory, error)
            tree.fail(.target, of: link, error)
            tree.fail(.extended, of: file, error)
            tree.fail(.read, of: file, error)
            #expect(number { _ = try mounted.status("d\(index)/name") } == errorNumber, "lookup, \(kind)")
            // The C library takes ENOENT for the end of a listing.
            let listed = kind == .notFound ? 0 : errorNumber
            #expect(number { _ = try mounted.names("d\(index)") } == listed, "list, \(kind)")
            #expect(number { _ = try mounted.target("l\(index)") } == errorNumber, "target, \(kind)")
            #expect(number { _ = try mounted.attribute("user.x", of: "f\(index)") } == errorNumber, "xattr, \(kind)")
            #expect(number { _ = try mounted.read("f\(index)") } == errorNumber, "read, \(kind)")
            #expect(tree.reports.contains { $0.hasSuffix(" \(index)") } == (errorNumber == EIO), "\(kind)")
            tree.fail(.read, of: file, nil)
            #expect(try mounted.text("f\(index)") == "x", "an error is not kept")
        }
        struct Stranger: Error {}
        let file = tree.add("stranger", content("x"))
        tree.fail(.read, of: file, Stranger())
        #expect(number { _ = try mounted.read("stranger") } == EIO)
        #expect(number { _ = try mounted.status("nowhere") } == ENOENT)
    }

    @Test func `a thread that gets no worker answers with an error and says why`() throws {
        let mounted = try Mounted { $0.state.withLock { $0.workerFailure = OsnovaError(.denied, "no worker") } }
        #expect(number { _ = try mounted.status("x") } == EIO)
        #expect(mounted.tree.reports.contains { $0.contains("no worker") })
        mounted.tree.state.withLock { $0.workerFailure = nil }
        mounted.tree.add("x", content("x"))
        #expect(try mounted.text("x") == "x")
    }

    @Test func `a huge directory is listed whole, each entry once, whether or not its attributes are asked for`() throws
    {
        var expected: Set<[UInt8]> = []
        let mounted = try Mounted { tree in
            for number in 0..<15_000 {
                let name = Array("\(number)-".utf8) + [UInt8](repeating: 0xC3, count: number % 240)
                expected.insert(name)
                tree.add(name, MemoryTree.File(size: Int64(number)))
            }
        }
        let plain = try mounted.names()
        #expect(plain.count == expected.count && Set(plain) == expected)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = [
            "-c", "LC_ALL=C find '\(mounted.path)' -type f -printf '%s\\n' | LC_ALL=C sort -nu | wc -l",
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(text == "15000\n")
    }

    @Test func `an entry with a name that no file can have is left out, the others stay`() throws {
        let mounted = try Mounted { tree in
            for name in ["a", "x/y", "", ".", "..", "nul\0", String(repeating: "l", count: 256), "z"] {
                tree.add(name, MemoryTree.File())
            }
            for _ in 0..<3000 { tree.add("un/fit", MemoryTree.File()) }
            tree.add("last", MemoryTree.File())
        }
        #expect(try Set(mounted.names()) == Set(["a", "z", "last"].map { Array($0.utf8) }))
        #expect(try mounted.status("last").st_size == 0)
        #expect(mounted.tree.reports.contains { $0.contains("unfit") })
    }

    @Test func `a name that is longer than any file's is an error of its own`() throws {
        let mounted = try Mounted { $0.add(String(repeating: "n", count: 255), content("x")) }
        #expect(try mounted.text(String(repeating: "n", count: 255)) == "x")
        #expect(number { _ = try mounted.status(String(repeating: "n", count: 256)) } == ENAMETOOLONG)
        #expect(number { _ = try mounted.status(String(repeating: "m", count: 255)) } == ENOENT)
    }

    @Test func `an interrupted read is no error of the mount`() throws {
        let mounted = try Mounted()
        let file = mounted.tree.add("f", content("after all"))
        mounted.tree.state.withLock { $0.stuck = file }
        let reader = Process()
        reader.executableURL = URL(fileURLWithPath: "/bin/cat")
        reader.arguments = [mounted.path("f")]
        reader.standardOutput = FileHandle.nullDevice
        try reader.run()
        #expect(eventually { mounted.tree.state.withLock { $0.isWaiting } })
        kill(reader.processIdentifier, SIGKILL)
        mounted.tree.state.withLock { $0.stuck = nil }
        reader.waitUntilExit()
        #expect(try mounted.text("f") == "after all")
        #expect(mounted.tree.reports == [])
        #expect(try mounted.end() == .unmounted)
    }

    @Test func `a file that has to be waited for holds up no other`() throws {
        let mounted = try Mounted()
        let size = 4 << 20
        let file = mounted.tree.add("long", MemoryTree.File(content: [UInt8](repeating: 7, count: size)))
        mounted.tree.add("f", content("meanwhile"))
        mounted.tree.state.withLock { ($0.stuck, $0.long) = (file, file) }
        let reader = Process()
        reader.executableURL = URL(fileURLWithPath: "/bin/cat")
        reader.arguments = [mounted.path("long")]
        let output = Pipe()
        reader.standardOutput = output
        try reader.run()
        #expect(eventually { mounted.tree.state.withLock { $0.isWaiting } })
        #expect(try mounted.text("f") == "meanwhile" && mounted.names().count == 2)
        mounted.tree.state.withLock { $0.stuck = nil }
        #expect(try output.fileHandleForReading.readToEnd()?.count == size)
        reader.waitUntilExit()
        #expect(mounted.tree.reports == [])
    }

    /// On a thread that holds back every signal, as those have that the dispatch library makes.
    @Test func `a mount that a program has open and asks nothing ends`() throws {
        let mounted = try Mounted { $0.add("f", content("open")) }
        let file = open(mounted.path("f"), O_RDONLY)
        try #require(file >= 0)
        defer { close(file) }
        #expect(try mounted.end() == .detachedWhileBusy)
    }

    @Test func `a mount ends while reads wait, and they fail`() throws {
        let mounted = try Mounted()
        let file = mounted.tree.add("long", MemoryTree.File(content: [UInt8](repeating: 7, count: 4 << 20)))
        mounted.tree.state.withLock { ($0.stuck, $0.long) = (file, file) }
        let reader = Process()
        reader.executableURL = URL(fileURLWithPath: "/bin/cat")
        reader.arguments = [mounted.path("long")]
        reader.standardOutput = FileHandle.nullDevice
        reader.standardError = FileHandle.nullDevice
        try reader.run()
        #expect(eventually { mounted.tree.state.withLock { $0.isWaiting } })
        // The one that is being made is left off.
        #expect(try mounted.end(lettingGo: false) == .detachedWhileBusy)
        reader.waitUntilExit()
    }

    @Test func `attributes, links, extended attributes and the disk are the tree's`() throws {
        let mounted = try Mounted(["uid=1234,gid=5678,umask=027"]) { tree in
            tree.add(
                "f", MemoryTree.File(content: Array("12345".utf8), modified: -1, attributes: [("user.a", [1, 2, 3])]))
            tree.add("p", MemoryTree.File(kind: .program, size: 1 << 40))
            tree.add("l", MemoryTree.File(kind: .symbolicLink, content: Array("t/\u{E9}".utf8)))
        }
        let file = try mounted.status("f")
        #expect(file.st_mode == S_IFREG | 0o440 && file.st_uid == 1234 && file.st_gid == 5678)
        #expect(file.st_mtim.tv_sec == -1 && file.st_mtim.tv_nsec == 999_999_999)
        #expect(try mounted.status("p").st_mode == S_IFREG | 0o550 && mounted.status("p").st_blocks == 1 << 31)
        #expect(try mounted.target("l") == Array("t/\u{E9}".utf8))
        #expect(try mounted.attribute("user.a", of: "f") == [1, 2, 3])
        #expect(try mounted.attribute("user.a", of: "f", room: 0).count == 3)
        #expect(number { _ = try mounted.attribute("user.a", of: "f", room: 2) } == ERANGE)
        #expect(number { _ = try mounted.attribute("user.b", of: "f") } == ENODATA)
        for name in ["security.capability", "trusted.x"] {
            #expect(number { _ = try mounted.attribute(name, of: "f") } == EOPNOTSUPP, "\(name)")
        }
        var disk = statvfs()
        #expect(statvfs(mounted.path, &disk) == 0)
        #expect(disk.f_bsize == 512 && disk.f_frsize == 512 && disk.f_blocks == 1000 && disk.f_bavail == 200)
        #expect(disk.f_namemax == 255 && disk.f_ffree == 7)
    }

    // MARK: The end

    @Test func `a mount that somebody else takes away ends its server`() throws {
        let mounted = try Mounted()
        try Unmounting.unmount(mounted.path)
        #expect(try mounted.end() == .unmounted)
        #expect(kind { try Unmounting.unmount(mounted.path) } == .notFound)
    }

    /// Two names that are equal as Unicode texts.
    @Test func `the directory beside a mount is another, though its name reads the same`() throws {
        let mounted = try Mounted()
        let composed = mounted.folder.path("\u{E9}")
        let decomposed = mounted.folder.path("e\u{301}")
        for path in [composed, decomposed] { #expect(mkdir(path, 0o700) == 0) }
        let tree = MemoryTree()
        let second = try Mount(
            tree: tree, at: MountPoint(preparing: composed, dataRoot: decomposed), options: MountOptions())
        #expect(try MountTable.filesystem(at: composed) != nil)
        #expect(try MountTable.filesystem(at: decomposed) == nil)
        #expect(try MountPoint(preparing: decomposed, dataRoot: "/nowhere").path.utf8.elementsEqual(decomposed.utf8))
        withExtendedLifetime(second) {}
    }
}
