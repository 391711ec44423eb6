import Foundation
import Primitives
import Synchronization
import Tree

/// A tree in memory that fails, waits and changes where a test wants it to.
final class MemoryTree: FileTree {
    struct File {
        var kind = Attributes.Kind.file
        var content: [UInt8] = []
        var size: Int64?
        var modified: Int64 = 1_600_000_000_123_456_789
        /// Names and inodes, each with its cookie.
        var entries: [(name: [UInt8], inode: Inode, cookie: UInt64)] = []
        var attributes: [(name: String, value: [UInt8])] = []
    }

    /// What a worker may be asked.
    enum Request: Hashable {
        case lookup, attributes, list, target, read, extended
    }

    struct State {
        var files: [Inode: File] = [
            FixedNode.root.inode: File(kind: .directory), FixedNode.snapshots.inode: File(kind: .directory),
        ]
        var lastRow: Int64 = 100
        var failures: [Request: [Inode: any Error]] = [:]
        var workerFailure: OsnovaError?
        var reports: [String] = []
        var requests: [Request: Int] = [:]
        var changes: [TreeChange] = []
        /// How often changes were asked for.
        var questions = 0
        /// Reads of it, and look-ups in it, are answered when it is nil, with what was there before.
        var stuck: Inode?
        /// Only a patient worker reads it.
        var long: Inode?
        var isWaiting = false
        /// The kernel's, while the tree is served.
        var cache: (any PageCache)?
    }

    let state = Mutex(State())

    // MARK: What a test does

    @discardableResult
    func add(_ name: String, in directory: Inode = FixedNode.root.inode, _ file: File) -> Inode {
        add(Array(name.utf8), in: directory, file)
    }

    @discardableResult
    func add(_ name: [UInt8], in directory: Inode = FixedNode.root.inode, _ file: File) -> Inode {
        state.withLock { state in
            state.lastRow += 1
            let inode =
                file.kind == .directory || file.kind == .symbolicLink ? Inode.node(state.lastRow) : .blob(state.lastRow)
            state.files[inode] = file
            let cookie = UInt64(state.lastRow)
            state.files[directory]?.entries.append((name, inode, cookie))
            return inode
        }
    }

    func change(_ inode: Inode, _ body: (inout File) -> Void) {
        state.withLock { state in
            guard var file = state.files[inode] else { return }
            body(&file)
            state.files[inode] = file
        }
    }

    func remove(_ name: String, from directory: Inode = FixedNode.root.inode) {
        change(directory) { $0.entries.removeAll { $0.name == Array(name.utf8) } }
    }

    func fail(_ request: Request, of inode: Inode, _ error: (any Error)?) {
        state.withLock { $0.failures[request, default: [:]][inode] = error }
    }

    /// Has the mount tell its kernel.
    func announce(_ changes: TreeChange...) { state.withLock { $0.changes += changes } }

    var reports: [String] { state.withLock { $0.reports } }

    func requests(_ request: Request) -> Int { state.withLock { $0.requests[request] ?? 0 } }

    // MARK: FileTree

    func makeWorker() throws -> any FileTreeWorker {
        if let failure = state.withLock({ $0.workerFailure }) { throw failure }
        return MemoryWorker(tree: self)
    }

    func makePatientWorker(until hasEnded: @escaping @Sendable () -> Bool) throws -> any FileTreeWorker {
        MemoryWorker(tree: self, patientUntil: hasEnded)
    }

    func nextChanges(waitingAtMost seconds: Double) throws -> [TreeChange] {
        let deadline = Date().addingTimeInterval(seconds)
        state.withLock { $0.questions += 1 }
        while true {
            let changes = state.withLock { state in
                defer { state.changes = [] }
                return state.changes
            }
            if !changes.isEmpty || Date() > deadline { return changes }
            usleep(2000)
        }
    }

    func diskUsage() throws -> DiskUsage {
        DiskUsage(blockSize: 512, blocks: 1000, freeBlocks: 300, availableBlocks: 200, files: 50, freeFiles: 7)
    }

    let metrics = DriveMetrics()

    func forget(_ inode: UInt64, lookups: UInt64) {}

    func settleRemoved(_ inode: UInt64, isHeld: Bool) {}

    func attach(_ cache: (any PageCache)?) { state.withLock { $0.cache = cache } }

    func report(_ error: any Error, inode: UInt64) { state.withLock { $0.reports.append("\(error)") } }
}

private final class MemoryWorker: FileTreeWorker {
    private let tree: MemoryTree
    private let hasEnded: (@Sendable () -> Bool)?
    private var held: [UInt8] = []
    private let memory = ScratchBuffer(count: 1 << 20)

    init(tree: MemoryTree, patientUntil hasEnded: (@Sendable () -> Bool)? = nil) {
        self.tree = tree
        self.hasEnded = hasEnded
    }

    private func file(_ inode: Inode, for request: MemoryTree.Request) throws -> MemoryTree.File? {
        try tree.state.withLock { state in
            state.requests[request, default: 0] += 1
            if let failure = state.failures[request]?[inode] { throw failure }
            return state.files[inode]
        }
    }

    private func attributes(_ inode: Inode, _ file: MemoryTree.File) -> Attributes {
        Attributes(
            inode: inode, kind: file.kind, size: file.size ?? Int64(file.content.count), modified: file.modified,
            changed: file.modified)
    }

    private func waitWhileStuck(_ inode: Inode) {
        while tree.state.withLock({
            $0.isWaiting = $0.stuck == inode; return $0.isWaiting
        }), hasEnded?() != true { usleep(1000) }
    }

    func lookup(_ name: UnsafeRawBufferPointer, in directory: Inode) throws -> Attributes? {
        guard let entry = try file(directory, for: .lookup)?.entries.first(where: { $0.name.elementsEqual(name) }),
            let found = tree.state.withLock({ $0.files[entry.inode] })
        else { return nil }
        waitWhileStuck(directory)
        return attributes(entry.inode, found)
    }

    func attributes(of inode: Inode) throws -> Attributes? {
        try file(inode, for: .attributes).map { attributes(inode, $0) }
    }

    func list(
        _ directory: Inode, after cookie: UInt64, _ visit: (UnsafeRawBufferPointer, Attributes, UInt64) -> Bool
    ) throws {
        guard let entries = try file(directory, for: .list)?.entries else { throw OsnovaError(.notFound, "gone") }
        // Cookies rise with the entries.
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].cookie > cookie { high = middle } else { low = middle + 1 }
        }
        for entry in entries[low...] {
            guard let found = tree.state.withLock({ $0.files[entry.inode] }) else { continue }
            let goesOn = entry.name.withUnsafeBytes { visit($0, attributes(entry.inode, found), entry.cookie) }
            if !goesOn { return }
        }
    }

    func target(of inode: Inode) throws -> [UInt8] {
        guard let found = try file(inode, for: .target) else { throw OsnovaError(.notFound, "gone") }
        return found.content
    }

    func read(_ inode: Inode, at offset: Int64, count: Int) throws -> UnsafeRawBufferPointer {
        if hasEnded == nil, tree.state.withLock({ $0.long == inode }) { throw LongRead() }
        guard let content = try file(inode, for: .read)?.content else { throw OsnovaError(.notFound, "gone") }
        waitWhileStuck(inode)
        if hasEnded?() == true { throw OsnovaError(.unavailable, "the mount is ending") }
        let piece = content.dropFirst(Int(offset)).prefix(min(count, memory.bytes.count))
        memory.bytes.copyBytes(from: piece)
        return UnsafeRawBufferPointer(rebasing: memory.bytes.prefix(piece.count))
    }

    func contentKind(of inode: Inode) -> ContentKind { ContentKind(inode) }

    func extendedAttributes(of inode: Inode) throws -> [(name: String, value: [UInt8])] {
        try file(inode, for: .extended)?.attributes ?? []
    }
}
