import Foundation
import Glibc
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import Blobs

@Suite struct StaleTemporaryTests {
    @Test func `what the dead left is removed, what the living write stays`() throws {
        let place = try Place(.unsupported)
        try place.write(".incoming-dead", "half")
        try place.write("stranger", "")
        let living = try place.incoming("half")
        try place.blobs.removeStaleTemporaries()
        let left = try place.names()
        #expect(left.count == 2 && left.contains("stranger") && !left.contains(".incoming-dead"))
        #expect(try place.blobs.commit(living, as: id(1)))
        try place.blobs.removeStaleTemporaries()
        #expect(try place.text(id(1)) == "half")
    }

    @Test func `a file of another process is stale when that process is dead`() throws {
        let place = try Place()
        let name = ".incoming-other"
        try place.write(name, "half")
        let writer = Process()
        writer.executableURL = URL(fileURLWithPath: "/bin/bash")
        writer.arguments = ["-c", "exec 9<'\(try place.path(name))'; flock 9; echo; exec cat"]
        let (input, output) = (Pipe(), Pipe())
        (writer.standardInput, writer.standardOutput) = (input, output)
        try writer.run()
        #expect(output.fileHandleForReading.availableData.count == 1, "it holds the lock")
        try place.blobs.removeStaleTemporaries()
        #expect(try place.names() == [name])
        kill(writer.processIdentifier, SIGKILL)
        writer.waitUntilExit()
        try place.blobs.removeStaleTemporaries()
        #expect(try place.names().isEmpty)
    }

    @Test func `what cannot be removed stops nothing`() throws {
        let place = try Place()
        mkdir(try place.path(".incoming-directory"), 0o700)
        // A FIFO must not make the cleaner wait for a writer: this test would never end.
        mkfifo(try place.path(".incoming-fifo"), 0o600)
        symlink("/etc/passwd", try place.path(".incoming-link"))
        try place.write(".incoming-dead", "half")
        try place.blobs.removeStaleTemporaries()
        #expect(try !place.names().contains(".incoming-dead"))
    }

    @Test(arguments: UnnamedFiles.allCases) func `a cleaner that runs beside writers takes nothing of theirs`(
        _ files: UnnamedFiles
    )
        throws
    {
        let place = try Place(files)
        let isDone = Atomic(false)
        let failures = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 2) { part in
            if part == 0 {
                for number in 0..<300 as Range<UInt64> {
                    let isNamed = try? place.blobs.commit(place.blobs.begin(files), as: id(number))
                    if isNamed != true { failures.add(1, ordering: .relaxed) }
                }
                isDone.store(true, ordering: .releasing)
            } else {
                while !isDone.load(ordering: .acquiring) { try? place.blobs.removeStaleTemporaries() }
            }
        }
        #expect(failures.load(ordering: .relaxed) == 0)
        #expect(try place.names().count == 300)
    }
}
