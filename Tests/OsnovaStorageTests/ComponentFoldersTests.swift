import Foundation
import Glibc
import TestSupport
import Testing

@testable import OsnovaStorage

/// The directories of components, and what is told of them.
@Suite struct ComponentFoldersTests {
    private let folder: TemporaryFolder
    private let folders: ComponentFolders

    init() throws {
        folder = try TemporaryFolder()
        try FileManager.default.createDirectory(
            atPath: folder.path("components/c/v1.0"), withIntermediateDirectories: true)
        folders = ComponentFolders(path: folder.path("components"))
        _ = folders.changes()
    }

    private func make(_ name: String) throws {
        try FileManager.default.createDirectory(
            atPath: folder.path("components/\(name)"), withIntermediateDirectories: true)
    }

    @Test func `a version's directory is told of though the time of the component's was set back`() throws {
        var before = stat()
        try #require(stat(folder.path("components/c"), &before) == 0)
        try make("c/v2.0")
        #expect(utimensat(AT_FDCWD, folder.path("components/c"), [before.st_atim, before.st_mtim], 0) == 0)
        #expect(folders.changes().names == [Array("c".utf8)])
        #expect(folders.changes().names == [])
    }

    @Test func `a component's directory is told of when it comes and goes, and watched from then on`() throws {
        try make("d")
        #expect(folders.changes().names == [Array("d".utf8)])
        try make("d/v1.0")
        #expect(folders.changes().names == [Array("d".utf8)])
        try FileManager.default.removeItem(atPath: folder.path("components/d"))
        #expect(folders.changes().names == [Array("d".utf8)])
        #expect(try folders.names() == [Array("c".utf8)])
    }

    @Test func `a directory that was moved away is watched no longer`() throws {
        func isWatched(_ path: String) throws -> Bool {
            var status = stat()
            try #require(stat(path, &status) == 0)
            let own = " ino:\(String(status.st_ino, radix: 16)) "
            let folder = "/proc/self/fdinfo"
            return try FileManager.default.contentsOfDirectory(atPath: folder).contains { number in
                (try? String(contentsOfFile: "\(folder)/\(number)", encoding: .utf8))?.contains(own) == true
            }
        }
        #expect(try isWatched(folder.path("components/c")))
        try FileManager.default.moveItem(atPath: folder.path("components/c"), toPath: folder.path("away"))
        try make("c")
        #expect(folders.changes().names == [Array("c".utf8)])
        #expect(try isWatched(folder.path("components/c")) && !isWatched(folder.path("away")))
    }

    @Test func `another directory in the place of that of all is watched as the first was`() throws {
        try FileManager.default.moveItem(atPath: folder.path("components"), toPath: folder.path("away"))
        try make("d/v1.0")
        #expect(folders.changes().names == [Array("c".utf8), Array("d".utf8)])
        #expect(try folders.names() == [Array("d".utf8)])
        try make("e")
        #expect(folders.changes().names == [Array("e".utf8)])
    }

    @Test func `directories that cannot be read are an error until they can be`() throws {
        let path = folder.path("components")
        try FileManager.default.moveItem(atPath: path, toPath: folder.path("away"))
        // A link to itself cannot be followed, by root neither.
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: path)
        let failing = ComponentFolders(path: path)
        #expect(failing.hasAny)
        #expect(kind { _ = try failing.names() } == .inputOutput)
        #expect(kind { _ = try failing.modified(Array("c".utf8)) } == .inputOutput)
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.moveItem(atPath: folder.path("away"), toPath: path)
        #expect(failing.changes().names == [Array("c".utf8)])
        #expect(try failing.names() == [Array("c".utf8)])
        try make("d")
        #expect(failing.changes().names == [Array("d".utf8)])
    }

    /// As where a user has no watches left.
    @Test func `what the kernel does not watch is looked at again`() throws {
        let folder = try TemporaryFolder()
        let folders = ComponentFolders(path: folder.path("components"))
        #expect(folders.changes().names.isEmpty)
        func make(_ name: String) throws {
            try FileManager.default.createDirectory(
                atPath: folder.path("components/\(name)"), withIntermediateDirectories: true)
        }
        try make("a")
        #expect(folders.changes().names == [Array("a".utf8)])
        try make("a/v1.0")
        #expect(folders.changes().names == [Array("a".utf8)])
        try FileManager.default.removeItem(atPath: folder.path("components"))
        #expect(folders.changes().names == [Array("a".utf8)])
        try make("b")
        #expect(folders.changes().names == [Array("b".utf8)])
    }
}
