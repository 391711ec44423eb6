internal import ArgumentParser
internal import Foundation
internal import Logging
internal import OsnovaStorage
internal import Tree

/// What a driver's thread does, without a kernel that asks for it: so its instructions can be counted.
struct TreeBenchmark: ParsableCommand {
    enum Work: String, CaseIterable, ExpressibleByArgument {
        case walk
        case read
        case random
    }

    private static let catalogued: [FixedNode] = [.applications, .blobs, .cache, .files]

    static let configuration = CommandConfiguration(
        commandName: "tree",
        abstract: "The tree of a store as a driver's thread serves it, without a mount.",
        discussion: """
            walk: every directory of the catalog listed, every entry looked up. read: every file of blobs/ from its beginning to its end. \
            random: 2,000 reads of 4 KiB in the largest of them.
            """)

    @Argument(help: "\(Work.allCases.map(\.rawValue).joined(separator: ", ")).")
    var work: Work

    @Option(help: "The store.")
    var dataRoot: String

    @Option(help: "A file with its phrase.")
    var phraseFile: String

    func run() throws {
        let words = try Data(contentsOf: URL(fileURLWithPath: phraseFile))
        let keys = try KeyHierarchy(phrase: words.withUnsafeBytes { try RecoveryPhrase(parsing: $0) })
        let store = try Store.open(at: DataRoot(path: dataRoot), keys: keys)
        let tree = try StoreTree(store: store, log: Logger(label: "tree") { _ in SwiftLogNoOpLogHandler() })
        let walk = TreeWalk(worker: try tree.makeWorker())
        let start = Clock.nanoseconds
        let done: Int64 =
            switch work {
            case .walk:
                try Self.catalogued.reduce(0) { try $0 + Int64(walk.lookAtEverything(in: $1.inode)) }
            case .read: try walk.readEverything(in: FixedNode.blobs.inode)
            case .random: try walk.readRandomly(in: FixedNode.blobs.inode, count: 2_000)
            }
        print("\(done) in \(Figures.text(Double(Clock.nanoseconds - start) / 1e6)) ms")
        try store.close()
    }
}

/// Asks a tree as the kernel would for a program that walks and reads.
private struct TreeWalk {
    let worker: any FileTreeWorker
    /// The most that the kernel asks for in one request, in bytes.
    private static let largestRead = 128 << 10

    private func entries(of directory: Inode) throws -> [(name: [UInt8], attributes: Attributes)] {
        var found: [(name: [UInt8], attributes: Attributes)] = []
        try worker.list(directory, after: 0) { name, attributes, _ in
            found.append((Array(name), attributes))
            return true
        }
        return found
    }

    /// - Returns: the number of entries.
    func lookAtEverything(in directory: Inode) throws -> Int {
        var count = 0
        for entry in try entries(of: directory) {
            count += 1
            guard let found = try entry.name.withUnsafeBytes({ try worker.lookup($0, in: directory) }),
                found.kind == .directory, let inode = Inode(number: found.inode)
            else { continue }
            count += try lookAtEverything(in: inode)
        }
        return count
    }

    /// - Returns: the number of bytes.
    func readEverything(in directory: Inode) throws -> Int64 {
        var total: Int64 = 0
        for entry in try entries(of: directory) {
            guard entry.attributes.kind == .file, let inode = Inode(number: entry.attributes.inode) else { continue }
            var offset: Int64 = 0
            while offset < entry.attributes.size {
                let piece = try worker.read(inode, at: offset, count: Self.largestRead)
                if piece.isEmpty { break }
                offset += Int64(piece.count)
            }
            total += offset
        }
        return total
    }

    /// - Returns: the number of bytes.
    func readRandomly(in directory: Inode, count: Int) throws -> Int64 {
        guard let largest = try entries(of: directory).map(\.attributes).max(by: { $0.size < $1.size }),
            let inode = Inode(number: largest.inode), largest.size >= 4096
        else { return 0 }
        var random = Sequence64(seed: 1)
        var total: Int64 = 0
        for _ in 0..<count {
            let offset = Int64(random.next() % UInt64(largest.size / 4096)) * 4096
            total += Int64(try worker.read(inode, at: offset, count: 4096).count)
        }
        return total
    }
}
