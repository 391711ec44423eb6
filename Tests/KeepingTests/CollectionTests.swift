import Blobs
import Catalog
import Foundation
import OsnovaStorage
import Primitives
import SystemPackage
import TestSupport
import Testing

/// What goes, what stays, and what a race with a put does.
struct CollectionTests {
    private func collect(_ work: TestStore, grace: Int64 = 0, isTrial: Bool = false) throws -> CollectionReport {
        try GarbageCollection(store: work.store).run(grace: grace, isTrial: isTrial)
    }

    @Test func `a blob that nothing refers to goes, one that has a name stays`() throws {
        let work = try TestStore()
        let named = try work.put(noise(100_000, seed: 1), as: "named")
        let free = try work.put(noise(200_000, seed: 2))
        let report = try collect(work)
        #expect(report.removed.map(\.id) == [free])
        #expect(report.freedBytes == 200_028)
        #expect(!work.hasFile(free) && work.hasFile(named))
        #expect(try work.store.catalog.read { try $0.blob(free) == nil && $0.blob(named) != nil })
        #expect(try work.content(named) == noise(100_000, seed: 1))
        #expect(try Verification(store: work.store).run().isSound)
    }

    @Test func `a trial removes nothing`() throws {
        let work = try TestStore()
        let free = try work.put(noise(1000, seed: 2))
        #expect(try collect(work, isTrial: true).removed.map(\.id) == [free])
        #expect(work.hasFile(free))
        #expect(try work.content(free) == noise(1000, seed: 2))
    }

    @Test func `a young blob stays for the grace time, and one of the future too`() throws {
        let work = try TestStore()
        let young = try work.put(noise(1000, seed: 1))
        let old = try work.put(noise(1000, seed: 2))
        let future = try work.put(noise(1000, seed: 3))
        try work.age(old, seconds: 7200)
        try work.age(future, seconds: -7200)
        let report = try collect(work, grace: 3600)
        #expect(report.removed.map(\.id) == [old])
        #expect(report.keptYoung == 2)
        #expect(work.hasFile(young) && work.hasFile(future))
    }

    @Test(arguments: [
        "INSERT INTO applications(application_id, name, version, icon_blob_hash, manifest_json, installed_at) "
            + "VALUES ('a', 'a', '1.0.0', '%', '{}', 1)",
        "INSERT INTO autonomi_cache(autonomi_address, content_hash, blob_hash, size, data_type, cached_at, "
            + "last_accessed) VALUES ('ant://x', 'x', '%', 1000, 'file', 1, 1)",
        "INSERT INTO autonomi_cache(autonomi_address, content_hash, blob_hash, size, data_type, cached_at, "
            + "last_accessed) VALUES ('ant://x', 'x', CAST('%' AS BLOB), 1000, 'file', 1, 1)",
    ])
    func `a foreign program's row keeps its blob`(statement: String) throws {
        let work = try TestStore()
        let id = try work.put(noise(1000, seed: 1))
        try work.sql(statement.replacing("%", with: id.hex))
        #expect(try collect(work).removed.isEmpty)
        #expect(work.hasFile(id))
    }

    @Test(arguments: [
        "CREATE TABLE theirs(x TEXT); INSERT INTO theirs VALUES ('%')",
        "CREATE TABLE \"the \"\"irs\"(\"a b\"); INSERT INTO \"the \"\"irs\" VALUES (x'%')",
        "CREATE TABLE theirs(x TEXT PRIMARY KEY) WITHOUT ROWID; INSERT INTO theirs VALUES (upper('%'))",
    ])
    func `a table that nobody here knows keeps what it names`(statement: String) throws {
        let work = try TestStore()
        let id = try work.put(noise(1000, seed: 1))
        let other = try work.put(noise(1000, seed: 2))
        try work.sql(statement.replacing("%", with: id.hex))
        #expect(try collect(work).removed.map(\.id) == [other])
        #expect(work.hasFile(id))
    }

    @Test func `a snapshot keeps the blobs that were there when it was made`() throws {
        let work = try TestStore()
        let old = try work.put(noise(1000, seed: 1))
        try work.sql(
            "CREATE TABLE IF NOT EXISTS snapshots(node, name, folder, newest_blob, created_at); "
                + "INSERT INTO snapshots(node, name, folder, newest_blob, created_at) "
                + "SELECT 5, 'n', 'f', max(id), 1 FROM blobs")
        let new = try work.put(noise(1000, seed: 2))
        #expect(try collect(work).removed.map(\.id) == [new])
        #expect(work.hasFile(old))
        try work.sql("DELETE FROM snapshots")
        #expect(try collect(work).removed.map(\.id) == [old])
    }

    @Test func `a file without a row goes too, but not one that a row waits for`() throws {
        let work = try TestStore()
        let free = try work.put(noise(1000, seed: 1))
        let bytes = try Data(contentsOf: URL(fileURLWithPath: work.file(free)))
        #expect(try collect(work).removed.count == 1)
        // As a collection leaves it that was cut between the row and the file.
        try bytes.write(to: URL(fileURLWithPath: work.file(free)))
        #expect(try collect(work, grace: 3600).keptYoung == 1)
        #expect(try collect(work).removed.map(\.id) == [free])
        #expect(!work.hasFile(free))
    }

    @Test func `a put that found its content stored keeps it from collections`() throws {
        let work = try TestStore()
        let content = noise(50_000, seed: 1)
        let id = try work.put(content)
        let path = try work.folder.write("again", content)
        let batch = try PutBatch(store: work.store)
        try batch.add(.file(FilePath(path))) { writing, row, result in
            #expect(result.alreadyStored)
            try writing.saveFile(at: [Array("again".utf8)], blob: row)
        }
        // The put holds the lock: whoever wants to remove files has to wait.
        let directory = try BlobDirectory(path: work.root.blobs)
        #expect(throws: OsnovaError.self) { try directory.lockForRemoval(waitingAtMost: 0) }
        #expect(try batch.commit().isEmpty)
        withExtendedLifetime(try directory.lockForRemoval(waitingAtMost: 0)) {}
        #expect(try collect(work).removed.isEmpty)
        #expect(try work.content(id) == content)
    }

    @Test func `a put after a collection seals its content anew`() throws {
        let work = try TestStore()
        let content = noise(50_000, seed: 1)
        let path = try work.folder.write("source", content)
        // One batch, as a long put uses it: what it remembers must not outlive the lock.
        let batch = try PutBatch(store: work.store)
        for round in 0..<3 {
            try batch.add(.file(FilePath(path))) { writing, row, result in
                #expect(!result.alreadyStored, "round \(round)")
                if round == 2 { try writing.saveFile(at: [Array("kept".utf8)], blob: row) }
            }
            #expect(try batch.commit().isEmpty)
            #expect(try collect(work).removed.count == (round == 2 ? 0 : 1))
        }
        #expect(try Verification(store: work.store).run().isSound)
    }

    @Test func `a reader that has begun reads to the end of what is removed`() throws {
        let work = try TestStore()
        let content = noise(3 << 20, seed: 1)
        let id = try work.put(content)
        var read = Data()
        try work.store.forEachPiece(of: id) { piece in
            if read.isEmpty {
                let removed = try collect(work).removed.map(\.id)
                #expect(removed == [id])
            }
            read.append(contentsOf: piece)
        }
        #expect(read == content)
        #expect(throws: OsnovaError.self) { try work.content(id) }
    }
}
