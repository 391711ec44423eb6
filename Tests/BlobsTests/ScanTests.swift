import Foundation
import Glibc
import Primitives
import TestSupport
import Testing

@testable import Blobs

@Suite struct ScanTests {
    private func scan(_ place: Place) throws -> [BlobDirectory.Entry] {
        var entries: [BlobDirectory.Entry] = []
        try place.blobs.scan {
            entries.append($0)
            return true
        }
        return entries
    }

    @Test func `names tell blobs, temporaries and strangers apart`() throws {
        let place = try Place()
        let hex = try id(1).hex
        let strangers = [
            hex, hex + ".ENC", hex + ".enc.tmp", hex.uppercased() + ".enc", hex.dropLast() + ".enc", hex + "0.enc",
            "g" + hex.dropFirst() + ".enc", ".enc", ".hidden", "incoming-1", "x.enc",
        ]
        for name in strangers + [hex + ".enc", ".incoming-1"] { try place.write(name, "") }
        let expected =
            strangers.map { BlobDirectory.Entry.stranger($0) } + [.blob(try id(1)), .temporary(".incoming-1")]
        let found = try scan(place)
        #expect(found.count == expected.count)
        for entry in expected { #expect(found.contains(entry), "\(entry)") }
        #expect(try scan(place).count == expected.count, "each scan starts anew")
    }

    @Test func `a scan ends when it is told to, and passes on what its visitor throws`() throws {
        let place = try Place()
        for number in 0..<5 { try place.write("\(number)", "") }
        var seen = 0
        try place.blobs.scan { _ in
            seen += 1
            return seen < 2
        }
        #expect(seen == 2)
        #expect(kind { try place.blobs.scan { _ in throw OsnovaError(.busy, "enough") } } == .busy)
    }

    @Test func `what is no regular file is no blob`() throws {
        let place = try Place()
        #expect(kind { _ = try place.blobs.open(id(1)) } == .notFound)
        #expect(try place.blobs.status(of: id(1)) == nil)
        let target = try place.path("target")
        try place.write("target", "secret")
        symlink(target, try place.path(id(2).hex + ".enc"))
        mkdir(try place.path(id(3).hex + ".enc"), 0o700)
        mkfifo(try place.path(id(4).hex + ".enc"), 0o600)
        for number in 2...4 as ClosedRange<UInt64> { #expect(try place.blobs.status(of: id(number)) == nil) }
        #expect(kind { _ = try place.blobs.open(id(2)) } != nil, "a link is not followed")
        // A FIFO must not make its reader wait for a writer: this test would never end.
        _ = try? place.blobs.open(id(4))
    }

    @Test func `a directory that is missing is said to be`() throws {
        let place = try Place()
        try place.write("file", "")
        #expect(kind { _ = try BlobDirectory(path: place.path("nowhere")) } == .notFound)
        #expect(kind { _ = try BlobDirectory(path: place.path("file")) } == .notFound)
    }
}
