import Foundation
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import Blobs

@Suite struct CommitTests {
    @Test(arguments: UnnamedFiles.allCases) func `a blob has no name before its commit, and afterwards nothing else`(
        _ files: UnnamedFiles
    ) throws {
        let place = try Place(files)
        let blob = try id(1)
        let incoming = try place.incoming("sealed")
        #expect(try place.blobs.status(of: blob) == nil)
        #expect(try place.names().map { $0.prefix(10) } == (files == .unsupported ? [".incoming-"] : []))
        #expect(try place.blobs.commit(incoming, as: blob))
        try place.blobs.synchronize()
        #expect(try place.names() == [blob.hex + ".enc"])
        #expect(try place.text(blob) == "sealed")
        let status = try #require(try place.blobs.status(of: blob))
        #expect(status.size == 6 && status.mode & 0o777 == 0o600 && status.links == 1)
        #expect(try SystemCalls.status(of: place.blobs.open(blob)) == status)
    }

    @Test(arguments: UnnamedFiles.allCases) func `a committed file outlives its object, and has one name only`(
        _ files: UnnamedFiles
    )
        throws
    {
        let place = try Place(files)
        do { _ = try place.blobs.commit(place.incoming("kept"), as: id(1)) }
        #expect(try place.text(id(1)) == "kept")
        let incoming = try place.incoming("once")
        #expect(try place.blobs.commit(incoming, as: id(2)))
        #expect(try !place.blobs.commit(incoming, as: id(3)))
        #expect(try place.names() == [id(1), id(2)].map { $0.hex + ".enc" }.sorted())
    }

    @Test(arguments: UnnamedFiles.allCases) func `a name that exists keeps its file unless it is to be replaced`(
        _ files: UnnamedFiles
    )
        throws
    {
        let place = try Place(files)
        let blob = try id(1)
        #expect(try place.blobs.commit(place.incoming("first"), as: blob))
        do {
            let second = try place.incoming("second")
            #expect(try !place.blobs.commit(second, as: blob))
            #expect(try place.text(blob) == "first")
            #expect(try place.blobs.commit(second, as: blob, replacing: true))
        }
        #expect(try place.text(blob) == "second")
        do { #expect(try !place.blobs.commit(place.incoming("third"), as: blob)) }
        #expect(try place.names() == [blob.hex + ".enc"], "what lost its race leaves nothing")
        #expect(try place.text(blob) == "second")
    }

    @Test(arguments: UnnamedFiles.allCases) func `of many that commit the same content at once, one wins`(
        _ files: UnnamedFiles
    ) throws {
        let place = try Place(files)
        let blob = try id(1)
        let wins = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 8) { number in
            let isFirst = try? place.blobs.commit(place.incoming("\(number)"), as: blob)
            if isFirst == true { wins.add(1, ordering: .relaxed) }
        }
        #expect(wins.load(ordering: .relaxed) == 1)
        #expect(try place.names() == [blob.hex + ".enc"])
    }

    @Test(arguments: UnnamedFiles.allCases) func `a file that is dropped leaves nothing`(_ files: UnnamedFiles) throws {
        let place = try Place(files)
        do {
            let incoming = try place.incoming("never committed")
            #expect(
                try place.names().count == (files == .unsupported ? 1 : 0), "a disk with unnamed files was expected")
            withExtendedLifetime(incoming) {}
        }
        #expect(try place.names().isEmpty)
    }

    @Test(arguments: UnnamedFiles.allCases) func `a directory's time moves when names come`(_ files: UnnamedFiles)
        throws
    {
        let place = try Place(files)
        let before = try place.blobs.modified()
        #expect(
            eventually {
                _ = try place.blobs.commit(place.incoming("x"), as: id(1))
                return try place.blobs.modified() > before
            })
    }

    @Test func `what took a file's place is not put away in its stead`() throws {
        let (place, aside) = (try Place(), try Place())
        let blob = try id(1)
        #expect(try place.blobs.commit(place.incoming("damaged"), as: blob))
        let judged = try #require(try place.blobs.look(at: blob))
        #expect(try place.blobs.commit(place.incoming("sound"), as: blob, replacing: true))
        #expect(try place.blobs.move(blob, judged, to: aside.blobs) == nil)
        #expect(try place.text(blob) == "sound" && aside.names() == [])
        let now = try #require(try place.blobs.look(at: blob))
        #expect(try place.blobs.move(blob, now, to: aside.blobs) == aside.path("\(blob.hex).enc"))
        #expect(try place.names() == [] && aside.text(blob) == "sound")
        #expect(try place.blobs.move(blob, now, to: aside.blobs) == nil, "it is gone")
    }
}
