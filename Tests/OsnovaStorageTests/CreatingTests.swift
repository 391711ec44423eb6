import Foundation
import Synchronization
import TestSupport
import Testing

@testable import OsnovaStorage

@Suite struct CreatingTests {
    @Test func `of several who make one store, the slower ones take nothing from it`() throws {
        let folder = try TemporaryFolder()
        for round in 0..<5 {
            let root = DataRoot(path: folder.path("root\(round)"))
            let made = Atomic(0)
            DispatchQueue.concurrentPerform(iterations: 4) { seed in
                let keys = try? Yard.keys(seed: UInt64(seed))
                if let keys, (try? Store.create(at: root, keys: keys)) != nil { made.add(1, ordering: .relaxed) }
            }
            #expect(made.load(ordering: .relaxed) == 1)
            for name in DataRoot.directories {
                #expect(FileManager.default.fileExists(atPath: "\(root.path)/\(name)"), "\(round): \(name)")
            }
        }
    }
}
