import Dispatch
import Foundation
import Primitives
import Sealing
import Synchronization
import TestSupport
import Testing

@testable import OsnovaStorage

@Suite struct AdoptionDeskTests {
    private let folder = Result { try TemporaryFolder() }

    private func status(_ content: String) throws -> SystemCalls.Status {
        let path = try folder.get().write("file", Data(content.utf8))
        return try SystemCalls.status(of: SystemCalls.open(path, 0))
    }

    private func blob() throws -> SealedBlob {
        try #require(SealedBlob(id: digest(Data()), nonce: .random(), length: 5))
    }

    @Test func `a refusal is remembered as long as the file is the same`() throws {
        let desk = AdoptionDesk()
        let (blob, file) = (try blob(), try status("x"))
        var calls = 0
        func adopt(_ status: SystemCalls.Status, _ error: OsnovaError.Kind?) throws -> SealedBlob {
            try desk.adopt(blob.id, status: status) {
                calls += 1
                if let error { throw OsnovaError(error, "refused \(calls)") }
                return blob
            }
        }
        #expect(kind { _ = try adopt(file, .inputOutput) } == .inputOutput)
        #expect(kind { _ = try adopt(file, .damaged) } == .damaged)
        #expect(calls == 2, "a disk that fails says nothing about the file")
        #expect(kind { _ = try adopt(file, nil) } == .damaged)
        #expect(calls == 2)
        #expect(try adopt(status("longer"), nil) == blob)
        #expect(calls == 3)
    }

    @Test func `threads that meet the same file verify it once`() throws {
        let desk = AdoptionDesk()
        let (blob, file) = (try blob(), try status("x"))
        let calls = Atomic(0)
        let waiting = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 2) { _ in
            waiting.add(1, ordering: .sequentiallyConsistent)
            let adopted = try? desk.adopt(blob.id, status: file) {
                calls.add(1, ordering: .sequentiallyConsistent)
                // Until the other is there too; then it waits, or comes when this is done.
                _ = eventually(within: 2) { waiting.load(ordering: .sequentiallyConsistent) == 2 }
                usleep(50_000)
                return blob
            }
            #expect(adopted == blob)
        }
        #expect(calls.load(ordering: .sequentiallyConsistent) == 1)
    }

    @Test func `who waited for a verification that failed makes his own`() throws {
        let desk = AdoptionDesk()
        let (blob, file) = (try blob(), try status("x"))
        let calls = Atomic(0)
        let successes = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 2) { _ in
            let adopted = try? desk.adopt(blob.id, status: file) {
                if calls.add(1, ordering: .sequentiallyConsistent).newValue == 1 {
                    throw OsnovaError(.inputOutput, "the disk failed once")
                }
                return blob
            }
            if adopted == blob { successes.add(1, ordering: .sequentiallyConsistent) }
        }
        #expect(successes.load(ordering: .sequentiallyConsistent) == 1)
    }
}
