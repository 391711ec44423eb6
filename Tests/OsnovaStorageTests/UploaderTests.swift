import Catalog
import Foundation
import Glibc
import Primitives
import SystemPackage
import TestSupport
import Testing
import Tree

@testable import OsnovaStorage

@Suite struct UploaderTests {
    private final class Outcome {
        var stored: [String] = []
        var failures: [OsnovaError.Kind] = []
    }

    private func upload(
        _ path: String, to target: String? = nil, in yard: Yard, recursive: Bool = true
    ) throws -> Outcome {
        let outcome = Outcome()
        let uploader = try Uploader(
            store: yard.store, recursive: recursive,
            onStored: { outcome.stored.append(String(decoding: $0.name, as: UTF8.self)) },
            onFailure: { outcome.failures.append(($0 as? OsnovaError)?.kind ?? .unavailable) })
        try uploader.add(FilePath(path), at: UploadPath(of: FilePath(target ?? path)))
        try uploader.commit()
        return outcome
    }

    @Test(arguments: [
        ("a/b", "a/b"), ("/a//b/", "a/b"), ("./a/./b", "a/b"), ("a/../b", "b"), ("../../b", "b"), ("a/b/../c", "c"),
        ("/", ""), (".", ""), ("a/..", ""), ("..", ""), ("...", "..."), ("~/x", "~/x"),
    ]) func `a path of the host becomes one of the store as tar does it`(path: String, expected: String) {
        let components = UploadPath(of: FilePath(path)).components
        #expect(components == expected.split(separator: "/").map { Array($0.utf8) })
    }

    @Test func `content without a name is kept under its own, and names are bytes`() throws {
        let id = try digest(Data())
        #expect(UploadPath(unnamed: id).components == [Array(id.hex.utf8)])
        #expect(UploadPath(of: "d").appending([0xFF]).components == [[100], [0xFF]])
        #expect(UploadPath(of: "e\u{301}") != UploadPath(of: "\u{E9}"))
    }

    @Test func `bytes in memory get a name, or their own`() throws {
        let yard = try Yard()
        var stored: [[UInt8]] = []
        let uploader = try Uploader(
            store: yard.store, recursive: false, onStored: { stored.append($0.name) }, onFailure: { Issue.record($0) })
        try uploader.add(bytes: Array("named".utf8), at: UploadPath(of: "d/note"))
        try uploader.add(bytes: Array("unnamed".utf8), at: nil)
        try uploader.commit()
        let worker = try yard.tree().makeWorker()
        #expect(try worker.content("files/d/note") == Data("named".utf8))
        #expect(try worker.content("files/\(digest(Data("unnamed".utf8)))") == Data("unnamed".utf8))
        #expect(stored == [Array("d/note".utf8), []])
    }

    @Test func `a directory is put with all it holds`() throws {
        let yard = try Yard()
        for directory in ["src/d/e", "src/empty"] {
            try FileManager.default.createDirectory(
                at: yard.folder.url.appending(path: directory), withIntermediateDirectories: true)
        }
        for name in ["src/a", "src/d/b", "src/d/e/c"] { try yard.folder.write(name, Data(name.utf8)) }
        symlink("../nowhere", yard.folder.path("src/d/link"))
        let outcome = try upload(yard.folder.path("src"), to: "src", in: yard)
        #expect(outcome.failures == [] && outcome.stored.count == 3)
        let worker = try yard.tree().makeWorker()
        for name in ["src/a", "src/d/b", "src/d/e/c"] {
            #expect(try worker.content("files/\(name)") == Data(name.utf8))
        }
        #expect(try worker.find("files/src/empty")?.kind == .directory)
        let link = try #require(try worker.find("files/src/d/link").flatMap { Inode(number: $0.inode) })
        #expect(try worker.target(of: link) == Array("../nowhere".utf8))
    }

    @Test func `what cannot be put is left out and told, everything else is stored`() throws {
        let yard = try Yard()
        try FileManager.default.createDirectory(
            at: yard.folder.url.appending(path: "src"), withIntermediateDirectories: true)
        for name in ["a", "z"] { try yard.folder.write("src/\(name)", Data(name.utf8)) }
        mkfifo(yard.folder.path("src/fifo"), 0o600)
        #expect(mknod(yard.folder.path("src/socket"), S_IFSOCK | 0o600, 0) == 0)
        let outcome = try upload(yard.folder.path("src"), to: "src", in: yard)
        #expect(outcome.stored.count == 2)
        #expect(outcome.failures == [.usage, .usage])
    }

    /// More than are committed at once, so that a batch is filled while the one before is committed.
    @Test func `contents and names that come again in a later batch are one content each`() throws {
        let yard = try Yard()
        try FileManager.default.createDirectory(
            at: yard.folder.url.appending(path: "src"), withIntermediateDirectories: true)
        let count = 2500
        for number in 0..<count { try yard.folder.write("src/\(number)", Data("content \(number % 900)".utf8)) }
        mkfifo(yard.folder.path("src/fifo"), 0o600)
        let outcome = try upload(yard.folder.path("src"), to: "src", in: yard)
        #expect(outcome.failures == [.usage])
        #expect(Set(outcome.stored).count == count && outcome.stored.count == count)
        let worker = try yard.tree().makeWorker()
        for number in 0..<count {
            #expect(try worker.content("files/src/\(number)") == Data("content \(number % 900)".utf8))
        }
        #expect(try worker.find("files/src/0")?.links == 4, "three names and the blob's own")
        #expect(try yard.store.statistics().blobCount == 900)
    }

    /// A regular file that opens and whose reads fail.
    @Test func `a file whose disk fails is left out too`() throws {
        let yard = try Yard()
        let good = try yard.file("good", Data("good".utf8))
        let failures = Outcome()
        let uploader = try Uploader(
            store: yard.store, recursive: false, onStored: { _ in failures.stored.append("") },
            onFailure: { failures.failures.append(($0 as? OsnovaError)?.kind ?? .unavailable) })
        try uploader.add("/proc/self/mem", at: UploadPath(of: "mem"))
        try uploader.add(good, at: UploadPath(of: "good"))
        try uploader.commit()
        #expect(failures.failures == [.inputOutput] && failures.stored.count == 1)
    }

    @Test func `a path that leaves no name, a directory without -r and a name that is taken are told`() throws {
        let yard = try Yard()
        let file = try yard.folder.write("f", Data("x".utf8))
        #expect(try upload(file, to: "..", in: yard).failures == [.usage])
        #expect(try upload(yard.folder.url.path, to: "d", in: yard, recursive: false).failures == [.usage])
        #expect(try upload(yard.folder.path("none"), to: "n", in: yard).failures == [.notFound])
        #expect(try upload(file, to: "d/f", in: yard).failures == [])
        #expect(try upload(file, to: "d", in: yard).failures == [.cannotCreate])
        #expect(try upload(file, to: "d/f/g", in: yard).failures == [.cannotCreate])
        #expect(try upload(file, to: String(repeating: "x", count: 256), in: yard).failures == [.usage])
        #expect(try yard.tree().makeWorker().content("files/d/f") == Data("x".utf8))
    }

    @Test func `the same path again points to the new content`() throws {
        let yard = try Yard()
        for text in ["old", "newer"] {
            #expect(try upload(yard.folder.write("f", Data(text.utf8)), to: "f", in: yard).failures == [])
            #expect(try yard.tree().makeWorker().content("files/f") == Data(text.utf8))
        }
        #expect(try yard.tree().makeWorker().find("blobs/\(digest(Data("old".utf8)))")?.links == 1)
    }
}
