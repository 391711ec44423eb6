import Catalog
import Foundation
import TestSupport
import Testing
import Tree

@testable import OsnovaStorage

/// Which numbers the book keeps of the data root's files.
@Suite struct HostNumbersTests {
    private let yard: Yard
    private let worker: any FileTreeWorker

    init() throws {
        yard = try Yard()
        worker = try yard.tree().makeWorker()
    }

    private func list(_ path: String) throws {
        let directory = try #require(try worker.find(path).flatMap { Inode(number: $0.inode) })
        try worker.list(directory, after: 0) { _, _, _ in true }
    }

    /// The names that have numbers, of a directory or of what had its number.
    private func names(in inode: UInt64) throws -> [String] {
        guard case .host(let number)? = Inode(number: inode) else { return [] }
        return try NumberBook(path: yard.store.root.numbers).names(in: number, after: 0, limit: 10_000)
            .map { String(decoding: $0.name, as: UTF8.self) }
    }

    @Test func `a file that is replaced while its directory is listed is listed`() throws {
        let folder = yard.folder.url.appendingPathComponent("root/logs/d")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        for name in ["a", "b"] { try Data().write(to: folder.appendingPathComponent(name)) }
        let directory = try #require(try worker.find("logs/d").flatMap { Inode(number: $0.inode) })
        var listed: [String] = []
        var place: UInt64 = 0
        try worker.list(directory, after: 0) { name, _, cookie in
            (listed, place) = ([String(decoding: name, as: UTF8.self)], cookie)
            return false
        }
        for name in ["a", "b"] { try Data().write(to: folder.appendingPathComponent(name), options: .atomic) }
        try worker.list(directory, after: place) { name, _, _ in
            listed.append(String(decoding: name, as: UTF8.self))
            return true
        }
        #expect(Set(listed) == ["a", "b"])
    }

    private static let losses = ["rm root/view.db*", damage]
    /// What is still in the WAL would be read from there.
    private static let damage = """
        sqlite3 root/view.db 'PRAGMA wal_checkpoint(TRUNCATE)' &&
        dd if=/dev/urandom of=root/view.db bs=64k count=1 conv=notrunc
        """

    @Test(arguments: losses)
    func `a book that is lost under a mount is begun anew, the same for all threads`(loss: String) throws {
        let tree = try yard.tree()
        let workers = try [tree.makeWorker(), tree.makeWorker()]
        for worker in workers { #expect(try worker.find("logs") != nil && worker.find("osnova.db") != nil) }
        try yard.foreign("INSERT INTO components VALUES ('c','n','1','backend',NULL,NULL,NULL,'{}',NULL,1,NULL)")
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-c", loss]
        shell.currentDirectoryURL = yard.folder.url
        (shell.standardOutput, shell.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
        try shell.run()
        shell.waitUntilExit()
        // Numbers begin with the second.
        usleep(1_100_000)
        try yard.folder.write("root/logs/new", Data("new".utf8))
        for worker in try workers + [tree.makeWorker()] {
            let found = try #require(try worker.find("logs/new"))
            for other in workers {
                #expect(try other.attributes(of: #require(Inode(number: found.inode)))?.inode == found.inode)
            }
            #expect(try worker.content("logs/new") == Data("new".utf8))
            #expect(try worker.find("osnova.db") != nil)
        }
    }

    @Test func `a number is struck out when its name is gone, with those below it, and is not given again`() throws {
        let folder = yard.folder.url.appendingPathComponent("root/logs")
        for name in 0..<300 { try Data().write(to: folder.appendingPathComponent("\(name)")) }
        let below = folder.appendingPathComponent("below")
        try FileManager.default.createDirectory(at: below, withIntermediateDirectories: false)
        try Data().write(to: below.appendingPathComponent("file"))
        try list("logs")
        try list("logs/below")
        let logs = try #require(try worker.find("logs")).inode
        let newest = try #require(try worker.find("logs/below/file")).inode
        let directory = try #require(try worker.find("logs/below")).inode
        #expect(try names(in: logs).count >= 301 && names(in: directory) == ["file"])
        for name in 1..<300 { try FileManager.default.removeItem(at: folder.appendingPathComponent("\(name)")) }
        try FileManager.default.removeItem(at: below)
        try list("logs")
        #expect(try Set(names(in: logs)).subtracting(["osnova.log", "components"]) == ["0"])
        #expect(try names(in: directory) == [])
        try Data().write(to: folder.appendingPathComponent("1"))
        #expect(try #require(try worker.find("logs/1")).inode > newest)
    }
}
